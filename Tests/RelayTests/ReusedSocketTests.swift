import CLinux
import Glibc
import Routing
import Synchronization
import TestKit
import Testing

@testable import Relay

/// Upstream sockets are connected again after a clean end, and nobody on either side sees anything of it.
@Suite("Reused sockets", .timeLimit(.minutes(1)))
struct ReusedSocketTests {
    /// A blocking socket connected to a server, by hand: `TestSocket` would close it.
    private static func connect(_ fd: Int32, _ server: SocketServer) -> Int32 {
        IPEndpoint(address: "127.0.0.1", port: server.port)!.withSocketAddress { cl_connect(fd, $0, $1) }
    }

    /// Says three bytes, ends, and reads to the end.
    private static func echo(_ fd: Int32) -> Int {
        var bytes: [UInt8] = [1, 2, 3, 0]
        _ = cl_send(fd, &bytes, 3)
        _ = cl_shutdown_write(fd)
        var total = 0
        while true {
            let count = cl_recv(fd, &bytes, 4)
            if count <= 0 { return count < 0 ? count : total }
            total += count
        }
    }

    private static func blockingSocket() -> Int32 {
        let fd = cl_tcp_socket(AF_INET)
        _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK)
        return fd
    }

    @Test("a socket whose connection both sides have ended leads to somebody else next")
    func ended() async throws {
        let servers = [try TestServer.echo(), try TestServer.echo()]
        try await onThread {
            let fd = Self.blockingSocket()
            for server in servers {
                #expect(Self.connect(fd, server) == 0)
                #expect(Self.echo(fd) == 3)
                // The peer acknowledges our end in its own time.
                while cl_disconnect(fd) != 0 { usleep(100) }
            }
            var idle = IdleSockets()
            #expect(Self.connect(fd, servers[0]) == 0)
            #expect(Self.echo(fd) == 3)
            while cl_disconnect(fd) != 0 { usleep(100) }
            idle.giveBack(fd, AF_INET)
            #expect(idle.take(AF_INET6) == nil)
            #expect(idle.take(AF_INET) == fd)
            #expect(idle.take(AF_INET) == nil)
            _ = cl_close(fd)
        }
        #expect(servers.map(\.connections) == [2, 1])
    }

    @Test("one that the kernel is not through with is closed instead, and its peer sees an end, no reset")
    func notOver() async throws {
        let seen = Mutexed<[Int]>([])
        let server = try TestServer { socket in
            let count = (try? socket.receiveToEnd().count) ?? -1
            seen.withLock { $0.append(count) }
        }
        try await onThread {
            let fd = Self.blockingSocket()
            #expect(Self.connect(fd, server) == 0)
            #expect(cl_send(fd, "abc", 3) == 3)
            var idle = IdleSockets()
            idle.giveBack(fd, AF_INET)
            #expect(idle.take(AF_INET) == nil)
            while seen.withLock({ $0.isEmpty }) { usleep(1000) }
        }
        #expect(seen.withLock { $0 } == [3])
    }

    @Test("connections one after another, each ended in its own way, get the answers of their own server only")
    func mixed() async throws {
        // Each server says who it is; the client ends first, the server does, or somebody resets.
        let servers = try ["a", "b"].map { name in
            try TestServer { socket in
                let hello = try socket.receive(exactly: HelloBuilder(serverName: "\(name).test").records().count)
                let ending = try socket.receive(exactly: 1)
                try socket.send(Array("\(name)\(hello.count)".utf8))
                switch ending {
                case [0]: _ = try socket.receiveToEnd()
                case [1]: break
                case [2]: socket.reset()
                default: _ = try? socket.receive()
                }
            }
        }
        var config = ProxyConfig.passthrough(to: servers[0])
        config.listeners[0].kind = .sni(routes: [
            Route(sni: ["a.test"], action: .passthrough(cluster: "a"), origin: "a"),
            Route(sni: ["b.test"], action: .passthrough(cluster: "b"), origin: "b"),
        ])
        config.clusters = zip(["a", "b"], servers).map { name, server in
            Cluster(name: name, endpoints: [Endpoint(address: "127.0.0.1", port: server.port)])
        }
        try await EngineFixture.run(config, workers: 1) { (fixture) async throws in
            let port = fixture.port
            try await onThread {
                for number in 0..<120 {
                    let name = number % 3 == 0 ? "b" : "a"
                    let ending = UInt8(number / 3 % 4)
                    let hello = HelloBuilder(serverName: "\(name).test").records()
                    let client = try TestSocket.connect(port: port)
                    try client.send(hello + [ending])
                    let answer = Array("\(name)\(hello.count)".utf8)
                    #expect(try client.receive(exactly: answer.count) == answer, "connection \(number)")
                    switch ending {
                    case 0:
                        client.shutdownWrite()
                        #expect(try client.receiveToEnd() == [], "connection \(number)")
                    case 1: #expect(try client.receiveToEnd() == [], "connection \(number)")
                    case 2: #expect(throws: SocketError(number: ECONNRESET), "connection \(number)") { try client.receiveToEnd() }
                    default: client.reset()
                    }
                }
            }
            try await fixture.until { fixture.engine.counters.active == 0 }
            #expect(fixture.engine.counters.allowed == 120)
        }
    }
}
