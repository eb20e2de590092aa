import Glibc
import Routing
import TestKit
import Testing

@testable import Relay

/// Machines that lose their power say nothing: keepalive and the user timeout have to find out.
@Suite("Dead peers", .timeLimit(.minutes(1)))
struct DeadPeerTests {
    private static let hello = HelloBuilder(serverName: "a.test").records()

    private static func soon(_ options: inout RelayOptions) {
        options.keepAliveInterval = .seconds(1)
        options.peerTimeout = .seconds(2)
    }

    @Test("an upstream that is gone is noticed on a silent connection, and between unacknowledged bytes", arguments: [false, true])
    func upstream(isSending: Bool) async throws {
        let isDeaf = Mutexed(false)
        let server = try TestServer { socket in
            try socket.send(try socket.receive(exactly: Self.hello.count))
            _ = try socket.receive(exactly: 1)
            vanish(socket.fd)
            isDeaf.withLock { $0 = true }
            while (try? socket.receive()) == nil {}
        }
        try await EngineFixture.run(.passthrough(to: server), workers: 1, options: Self.soon) { (fixture) async throws in
            let port = fixture.port
            let error = try await onThread { () -> SocketError? in
                let client = try TestSocket.connect(port: port)
                try client.send(Self.hello)
                _ = try client.receive(exactly: Self.hello.count)
                try client.send([1])
                if isSending {
                    // Once the server is deaf, which it tells by a flag.
                    while !isDeaf.withLock({ $0 }) { usleep(1000) }
                    try client.send([2])
                }
                do {
                    _ = try client.receive()
                    return nil
                } catch let error as SocketError { return error }
            }
            // Cut off, not ended.
            #expect(error?.description == "Connection reset by peer")
            let record = try await fixture.record()
            #expect(record.closeReason == .upstreamReset)
            #expect((Duration.seconds(1)..<Duration.seconds(15)).contains(record.duration))
        }
    }

    @Test("a client that is gone is noticed, and its upstream is told")
    func client() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(.passthrough(to: server), workers: 1, options: Self.soon) { (fixture) async throws in
            let port = fixture.port
            let client = try await onThread { () -> TestSocket in
                let client = try TestSocket.connect(port: port)
                try client.send(Self.hello)
                _ = try client.receive(exactly: Self.hello.count)
                vanish(client.fd)
                return client
            }
            let record = try await fixture.record()
            #expect(record.closeReason == .clientReset)
            #expect(fixture.engine.counters.active == 0)
            withExtendedLifetime(client) {}
        }
    }

    @Test("a client that is gone before it says hello is forgotten at the hello's deadline")
    func beforeHello() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(.passthrough(to: server), workers: 1, options: { $0.helloTimeout = .milliseconds(300) }) {
            (fixture) async throws in
            let client = try TestSocket.connect(port: fixture.port)
            vanish(client.fd)
            #expect(try await fixture.record().verdict == .refused(.helloTimeout))
            try await fixture.until { fixture.engine.counters.active == 0 }
            withExtendedLifetime(client) {}
        }
    }
}
