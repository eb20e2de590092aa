import Foundation
import NIOCore
import Synchronization
import TestKit
import Testing

/// What a proxy does between the signal and its end, seen from outside.
@Suite(.serialized, .timeLimit(.minutes(2))) struct DrainProcessTests {
    private static func isRefused(_ port: UInt16) async throws -> Bool {
        try await onThread {
            do {
                _ = try TestSocket.connect(port: port)
                return false
            } catch let error as SocketError {
                return error.number == ECONNREFUSED
            }
        }
    }

    @Test(
        "not ready at once, serving what comes in the grace period, then none, and gone when the last connection has ended",
        arguments: [SIGTERM, SIGINT])
    func gentle(_ signal: Int32) async throws {
        let server = try SocketServer.echo()
        let pki = try StaticPKI()
        try await WatchedProxy.with(
            pki.terminating(to: server.port), arguments: ["--drain-grace", "1s", "--drain-time", "20s"], folder: pki.folder
        ) { proxy in
            let port = try await proxy.port()
            let (early, _) = try await onThread { try EchoClient.open(port) }
            let (told, tell) = AsyncStream<Void>.makeStream()
            let context = try pki.clientContext()
            async let terminated = TLSClient.with(context, port) { reading, outbound in
                for byte in ["x", "y"] {
                    try await outbound.write(ByteBuffer(string: byte))
                    guard try await reading.next() == ByteBuffer(string: byte) else { return false }
                    if byte == "x" { for await _ in told { break } }
                }
                return true
            }
            try await eventually("both are open", every: .milliseconds(20)) { try await proxy.active() == 2 ? true : nil }

            kill(proxy.pid, signal)
            try await eventually("/ready is 503", every: .milliseconds(10)) { try await onThread { proxy.readyStatus } == 503 ? true : nil }
            let (late, answer) = try await onThread { try EchoClient.open(port) }
            #expect(answer == EchoClient.hello)
            #expect(try await proxy.get("/live").status == 200)
            try await eventually("nothing is accepted any more", every: .milliseconds(10)) { try await Self.isRefused(port) ? true : nil }

            // Those that are open go on, and are waited for.
            #expect(try await onThread { EchoClient.isServed(early) && EchoClient.isServed(late) })
            tell.yield()
            #expect(try await terminated)
            early.close()
            #expect(try await onThread { EchoClient.isServed(late) })
            #expect(!proxy.process.log.contains("exit status"))
            late.close()
            try await proxy.process.line(containing: "Drained: every connection ended by itself")
            #expect(try await proxy.process.line(containing: "exit status").contains("exit status 0."))
        }
    }

    @Test("when the drain's time is over what is left is closed, TLS with its goodbye, and each says why")
    func leftovers() async throws {
        let server = try SocketServer.echo()
        let pki = try StaticPKI()
        try await WatchedProxy.with(
            pki.terminating(to: server.port), arguments: ["--drain-grace", "100ms", "--drain-time", "1s"], folder: pki.folder
        ) { proxy in
            let port = try await proxy.port()
            let (open, _) = try await onThread { try EchoClient.open(port) }
            let silent = try await onThread { try TestSocket.connect(port: port) }
            let context = try pki.clientContext()
            async let terminated = TLSClient.with(context, port) { reading, outbound in
                try await outbound.write(ByteBuffer(string: "x"))
                _ = try await reading.next()
                return try await reading.next() == nil
            }
            try await eventually("all are open", every: .milliseconds(20)) { try await proxy.active() == 3 ? true : nil }
            let start = ContinuousClock.now
            kill(proxy.pid, SIGTERM)
            #expect(try await onThread { try open.receiveToEnd() }.isEmpty)
            // An unclean end would be an error.
            #expect(try await terminated)
            #expect(try await onThread { try silent.receiveToEnd() } == EchoClient.alert)
            #expect(try await proxy.process.line(containing: "exit status").contains("exit status 0."))
            #expect(ContinuousClock.now - start >= .milliseconds(1100))
            #expect(ContinuousClock.now - start < .seconds(8))
            let closed = proxy.process.log.split(separator: "\n").filter { $0.contains("close.reason=drained") }
            #expect(closed.count == 2, "\(closed)")
            #expect(proxy.process.log.contains("reason=draining"))
        }
    }

    @Test("a second signal ends it at once, in the grace period and later", arguments: [SIGTERM, SIGINT])
    func second(_ signal: Int32) async throws {
        let server = try SocketServer.echo()
        let grace = signal == SIGTERM ? "10m" : "0s"
        try await WatchedProxy.with(
            WatchedProxy.passthrough(to: server.port), arguments: ["--drain-grace", grace, "--drain-time", "10m"]
        ) { proxy in
            let port = try await proxy.port()
            let (open, _) = try await onThread { try EchoClient.open(port) }
            kill(proxy.pid, signal)
            try await proxy.process.line(containing: grace == "0s" ? "listeners closed" : "still accepting")
            kill(proxy.pid, signal)
            #expect(try await onThread { try open.receiveToEnd() }.isEmpty)
            #expect(try await proxy.process.line(containing: "exit status").contains("exit status 0."))
            #expect(proxy.process.log.contains("close.reason=stopped"))
        }
    }

    /// Sends each new connection to one of the proxies that say they are ready, as a Service's endpoints do.
    private final class Load: Sendable {
        struct State {
            var proxies: [WatchedProxy] = []
            var ports: [UInt16] = []
            var ready: [UInt16] = []
            var next = 0
            var served = 0
            var failures: [String] = []
            var isOver = false
        }

        private let state = Mutex(State())
        var now: State { self.state.withLock { $0 } }

        func add(_ proxy: WatchedProxy) async throws {
            let port = try await proxy.port()
            self.state.withLock { state in
                state.proxies.append(proxy)
                state.ports.append(port)
            }
            try await eventually("it gets connections", every: .milliseconds(10)) { self.now.ready.contains(port) ? true : nil }
        }

        func stop() { self.state.withLock { $0.isOver = true } }

        func start(clients: Int) {
            startThread {
                while !self.now.isOver {
                    let (proxies, ports) = self.state.withLock { ($0.proxies, $0.ports) }
                    let ready = zip(proxies, ports).filter { $0.0.readyStatus == 200 }.map(\.1)
                    self.state.withLock { $0.ready = ready }
                    usleep(50_000)
                }
            }
            for _ in 0..<clients {
                startThread {
                    while true {
                        let (port, isOver) = self.state.withLock { state -> (UInt16?, Bool) in
                            state.next += 1
                            return (state.ready.isEmpty ? nil : state.ready[state.next % state.ready.count], state.isOver)
                        }
                        if isOver { return }
                        guard let port else {
                            usleep(1000)
                            continue
                        }
                        self.count(Result { try Self.request(port) })
                    }
                }
            }
        }

        /// A connection that lasts a moment, with an exchange at its beginning and one at its end.
        private static func request(_ port: UInt16) throws -> Bool {
            let (socket, answer) = try EchoClient.open(port)
            usleep(UInt32.random(in: 0...30_000))
            return answer == EchoClient.hello && EchoClient.isServed(socket)
        }

        private func count(_ result: Result<Bool, any Error>) {
            self.state.withLock { state in
                switch result {
                case .success(true): state.served += 1
                case .success(false): state.failures.append("cut")
                case .failure(let error): state.failures.append("\(error)")
                }
            }
        }
    }

    @Test("two proxies are replaced one after the other under load, and not one connection is refused or cut")
    func rollingReplacement() async throws {
        let server = try SocketServer.echo()
        let config = WatchedProxy.passthrough(to: server.port)
        let drain = ["--drain-grace", "700ms", "--drain-time", "20s"]
        let load = Load()
        load.start(clients: 8)
        defer { load.stop() }
        try await WatchedProxy.with(config, arguments: drain, name: "a") { a in
            try await load.add(a)
            try await WatchedProxy.with(config, arguments: drain, name: "b") { b in
                try await load.add(b)
                try await WatchedProxy.with(config, arguments: drain, name: "c") { c in
                    try await load.add(c)
                    kill(a.pid, SIGTERM)
                    try await a.process.line(containing: "exit status 0.")
                    try await WatchedProxy.with(config, arguments: drain, name: "d") { d in
                        try await load.add(d)
                        kill(b.pid, SIGTERM)
                        try await b.process.line(containing: "exit status 0.")
                        let before = load.now.served
                        try await eventually("the new ones serve", every: .milliseconds(10)) { load.now.served > before + 100 ? true : nil }
                        load.stop()
                        let all = load.now
                        #expect(all.failures.isEmpty, "\(all.failures.prefix(5)) of \(all.served)")
                        #expect(all.served > 500, "\(all.served)")
                        print("rolling replacement: \(all.served) connections, \(all.failures.count) failures")
                    }
                }
            }
        }
    }
}
