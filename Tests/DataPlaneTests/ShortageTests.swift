import Foundation
import TestKit
import Testing

/// Out of descriptors, memory or ports: new connections are refused with a reason, old ones go on, and it ends by itself.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ShortageTests {
    /// Opens connections until one is refused, and some more; returns those that are served.
    private static func fill(_ port: UInt16, atMost: Int, beyond: Int = 20) throws -> (served: [TestSocket], refusals: [[UInt8]]) {
        var served: [TestSocket] = []
        var refusals: [[UInt8]] = []
        while served.count < atMost && refusals.count < beyond {
            let (socket, answer) = try EchoClient.open(port)
            if answer == EchoClient.hello { served.append(socket) } else { refusals.append(answer) }
        }
        return (served, refusals)
    }

    /// What holds in every shortage.
    private static func check(_ proxy: WatchedProxy, _ port: UInt16, atMost: Int, detail: String) async throws {
        let (served, refusals) = try await onThread { try Self.fill(port, atMost: atMost) }
        #expect(served.count > 3 && refusals.count == 20, "\(served.count) served, \(refusals.count) refused")
        // Told by an alert, or by a reset that overtook it; never by silence.
        #expect(refusals.allSatisfy { $0 == EchoClient.alert || $0.isEmpty }, "\(Set(refusals))")
        let line = try await proxy.process.line(containing: "reason=overloaded")
        #expect(line.contains(detail), "\(line)")

        // Old ones go on, probes and scrapes too, and nothing spins.
        #expect(try await onThread { served.allSatisfy(EchoClient.isServed) })
        #expect(try await proxy.get("/ready").status == 200)
        #expect(try await proxy.refused("overloaded") >= 20)
        let before = proxy.processorSeconds
        try await Task.sleep(for: .milliseconds(500))
        #expect(proxy.processorSeconds - before < 0.15)

        // As soon as there is room again there is service again.
        for socket in served.dropFirst(served.count / 2) { socket.close() }
        try await eventually("new connections are served again", every: .milliseconds(50)) {
            try await onThread { try EchoClient.open(port).answer == EchoClient.hello } ? true : nil
        }
        #expect(try await onThread { served.prefix(served.count / 2).allSatisfy(EchoClient.isServed) })
    }

    @Test("out of descriptors")
    func descriptors() async throws {
        let server = try SocketServer.echo()
        try await WatchedProxy.with(WatchedProxy.passthrough(to: server.port), limits: "ulimit -n 120") { proxy in
            try await Self.check(proxy, try await proxy.port(), atMost: 120, detail: "Too many open files")
            #expect(proxy.openFiles <= 120)
        }
    }

    @Test("out of descriptors, taken by others in the process: the listener rests instead of spinning")
    func noSpare() async throws {
        let server = try SocketServer.echo()
        try await WatchedProxy.with(WatchedProxy.passthrough(to: server.port)) { proxy in
            let port = try await proxy.port()
            let (kept, _) = try await onThread { try EchoClient.open(port) }
            // Fewer than there are: not even the spare one can be opened again.
            try await Command.output("prlimit", ["--pid", "\(proxy.pid)", "--nofile=8:"])
            let waiting = try await onThread { try (0..<10).map { _ in try TestSocket.connect(port: port) } }
            let before = proxy.processorSeconds
            try await Task.sleep(for: .seconds(1))
            #expect(proxy.processorSeconds - before < 0.3)
            #expect(try await onThread { EchoClient.isServed(kept) })
            try await Command.output("prlimit", ["--pid", "\(proxy.pid)", "--nofile=1000:"])
            try await eventually("new connections are served again", every: .milliseconds(50)) {
                try await onThread { try EchoClient.open(port).answer == EchoClient.hello } ? true : nil
            }
            for socket in waiting { socket.close() }
        }
    }

    @Test("out of memory, by the limit it was given")
    func residentMemory() async throws {
        let server = try SocketServer.echo()
        try await WatchedProxy.with(WatchedProxy.passthrough(to: server.port), arguments: ["--memory-limit", "16Mi"]) { proxy in
            let port = try await proxy.port()
            // A debug build is beyond it at once.
            let (socket, answer) = try await onThread { try EchoClient.open(port) }
            #expect(answer != EchoClient.hello)
            let line = try await proxy.process.line(containing: "reason=overloaded")
            #expect(line.contains("of 16 MiB of its memory limit are used"))
            #expect(try await proxy.get("/ready").status == 200)
            socket.close()
        }
    }

    @Test("out of ports: the endpoint is not blamed, and serves again as ports come back", .enabled(if: WatchedProxy.mayUnshare))
    func ports() async throws {
        // Two listeners: a client has no more ports towards one address than the proxy.
        let config = """
            admin: {address: 127.0.0.1, port: 0}
            listeners:
              - {name: one, address: 127.0.0.1, port: 10002, routes: [{sni: ["*"], passthrough: {cluster: c}}]}
              - {name: two, address: 127.0.0.1, port: 10003, routes: [{sni: ["*"], passthrough: {cluster: c}}]}
            clusters:
              - {name: c, endpoints: [{address: 127.0.0.1, port: 9500}]}
            """
        let range = "echo 40000 40015 > /proc/sys/net/ipv4/ip_local_port_range"
        try await WatchedProxy.with(config, apart: range) { proxy in
            let server = try await proxy.inNetwork { try SocketServer.echo(port: 9500) }
            let served = try await proxy.inNetwork {
                var served: [TestSocket] = []
                for number in 0..<28 {
                    let (socket, answer) = try EchoClient.open(number % 2 == 0 ? 10002 : 10003)
                    if answer == EchoClient.hello { served.append(socket) }
                }
                return served
            }
            #expect((10...16).contains(served.count), "\(served.count)")
            let line = try await proxy.process.line(containing: "reason=overloaded")
            #expect(line.contains("Cannot assign requested address"))
            #expect(try await onThread { served.allSatisfy(EchoClient.isServed) })
            // Nothing failed but us.
            let clusters = try await proxy.get("/clusters").text
            #expect(clusters.contains("\"failures\" : 0") && clusters.contains("\"ejected\" : false"), "\(clusters)")
            for socket in served.dropFirst(4) { socket.close() }
            try await eventually("new connections are served again") {
                try await proxy.inNetwork { try EchoClient.open(10002).answer == EchoClient.hello } ? true : nil
            }
            #expect(try await onThread { served.prefix(4).allSatisfy(EchoClient.isServed) })
            server.stop()
        }
    }

    /// Shell commands that put the process into a memory group of so many bytes.
    private static func memoryGroup(_ name: String, _ bytes: Int) -> String {
        """
        if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then g=/sys/fs/cgroup/memory/\(name); f=memory.limit_in_bytes; \
        else g=/sys/fs/cgroup/\(name); f=memory.max; fi; mkdir -p $g && echo \(bytes) > $g/$f && echo $$ > $g/cgroup.procs
        """
    }

    /// Sends until nobody takes it: what the reader leaves is held by the proxy and in the kernel's buffers, on its account.
    private static func flooding() throws -> SocketServer {
        try SocketServer { socket in
            try socket.send(try socket.receive(exactly: EchoClient.hello.count))
            if try socket.receive(exactly: 1) == [0] { while true { try socket.send([UInt8](repeating: 7, count: 1 << 20)) } }
            while true { try socket.send(try socket.receive(exactly: 3)) }
        }
    }

    /// Fills the proxy with readers that stop, until it turns new ones away; what holds then and afterwards.
    private static func fillWithStalled(_ proxy: WatchedProxy, detail: String) async throws {
        let port = try await proxy.port()
        let (kept, _) = try await onThread { try EchoClient.open(port) }
        try await onThread { try kept.send([1]) }
        var stalled: [TestSocket] = []
        var isFull = false
        for _ in 0..<2000 {
            let (socket, answer) = try await onThread { try EchoClient.open(port) }
            guard answer == EchoClient.hello else {
                isFull = true
                break
            }
            try await onThread { try socket.send([0]) }
            stalled.append(socket)
        }
        #expect(isFull, "\(stalled.count)")
        let line = try await proxy.process.line(containing: "reason=overloaded")
        #expect(line.contains(detail), "\(line)")
        #expect(try await onThread { EchoClient.isServed(kept) })
        #expect(try await proxy.get("/ready").status == 200)
        for socket in stalled { socket.reset() }
        try await eventually("new connections are served again", every: .milliseconds(50)) {
            try await onThread { try EchoClient.open(port).answer == EchoClient.hello } ? true : nil
        }
        #expect(try await onThread { EchoClient.isServed(kept) })
        // Whoever was killed for memory says nothing.
        #expect(!proxy.process.log.contains("exit status"))
        print("\(detail): full with \(stalled.count) stalled readers")
    }

    @Test(
        "out of memory, by the cgroup's limit", .enabled(if: WatchedProxy.mayUnshare),
        .disabled(if: Sanitizer.isOn, "a sanitizer takes more than the limit"))
    func memoryGroup() async throws {
        let server = try Self.flooding()
        let name = "egret-test-\(UUID().uuidString)"
        defer {
            for root in ["/sys/fs/cgroup/memory/", "/sys/fs/cgroup/"] { rmdir(root + name) }
        }
        try await WatchedProxy.with(WatchedProxy.passthrough(to: server.port), limits: Self.memoryGroup(name, 24 << 20)) { proxy in
            try await Self.fillWithStalled(proxy, detail: "of 24 MiB of its cgroup's memory are used")
        }
    }

    @Test("out of addresses, by ulimit -v", .disabled(if: Sanitizer.isOn, "a sanitizer takes terabytes of addresses"))
    func addressSpace() async throws {
        let server = try SocketServer.echo()
        let config = WatchedProxy.passthrough(to: server.port)
        // How many arenas the C library makes is chance, and each takes 64 MiB of addresses.
        let oneArena = "export MALLOC_ARENA_MAX=1"
        let size = try await WatchedProxy.with(config, limits: oneArena) { proxy in
            let port = try await proxy.port()
            _ = try await onThread { try EchoClient.open(port) }
            return proxy.addressBytes
        }
        // A sixteenth is to stay free: a thirty-second more than it takes is too little, twice of it is enough.
        for (limit, isServed) in [(size + size / 32, false), (size * 2, true)] {
            try await WatchedProxy.with(config, limits: "\(oneArena); ulimit -v \(limit >> 10)") { proxy in
                let port = try await proxy.port()
                let (socket, answer) = try await onThread { try EchoClient.open(port) }
                #expect((answer == EchoClient.hello) == isServed)
                #expect(try await proxy.get("/ready").status == 200)
                #expect(try await proxy.refused("overloaded") == (isServed ? 0 : 1))
                if !isServed {
                    let line = try await proxy.process.line(containing: "reason=overloaded")
                    #expect(line.contains("of \(limit >> 20) MiB of its address space are used"), "\(line)")
                }
                socket.close()
            }
        }
    }
}
