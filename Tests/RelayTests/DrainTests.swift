import CLinux
import Routing
import TestKit
import Testing

@testable import Relay

@Suite("Draining")
struct DrainTests {
    private static let hello = HelloBuilder(serverName: "a.test").records()

    private func connected(_ port: UInt16) async throws -> TestSocket {
        try await onThread {
            let client = try TestSocket.connect(port: port)
            try client.send(Self.hello)
            _ = try client.receive(exactly: Self.hello.count)
            return client
        }
    }

    @Test("during the grace period connections are still taken; then no more, and those that are open may end by themselves")
    func gentle() async throws {
        let server = try TestServer.echo()
        let fixture = try EngineFixture()
        _ = await fixture.engine.apply(.passthrough(to: server))
        let port = fixture.port
        let early = try await self.connected(port)
        async let drained: Void = fixture.engine.drain(grace: .milliseconds(500), deadline: .seconds(20))
        let late = try await self.connected(port)
        try await fixture.until { fixture.engine.boundListeners.isEmpty }
        await #expect(throws: SocketError(number: 111)) { try await onThread { _ = try TestSocket.connect(port: port) } }
        for client in [early, late] {
            let rest = try await onThread {
                try client.send([1, 2])
                client.shutdownWrite()
                return try client.receiveToEnd()
            }
            #expect(rest == [1, 2])
        }
        await drained
        #expect(fixture.engine.counters.active == 0)
        #expect(fixture.records.all.map(\.closeReason) == [.finished, .finished])
        await fixture.engine.stop()
    }

    @Test("what is open at the deadline is closed, handed-off connections too")
    func hard() async throws {
        let server = try TestServer.echo()
        let fixture = try EngineFixture()
        var config = ProxyConfig.passthrough(to: server)
        config.listeners.append(
            Listener(
                name: "out", address: "127.0.0.1", port: 0, kind: .outbound(service: "x", action: .originate(mesh: "default", cluster: "c"))
            ))
        _ = await fixture.engine.apply(config)
        let port = fixture.engine.boundListeners.first { $0.name == "egress" }!.address.port
        let client = try await self.connected(port)
        let outbound = fixture.engine.boundListeners.first { $0.name == "out" }!.address.port
        let handed = try await onThread { try TestSocket.connect(port: outbound) }
        try await fixture.until { fixture.handoff.taken.count == 1 }
        await fixture.engine.drain(grace: .zero, deadline: .milliseconds(200))
        #expect(fixture.engine.counters.active == 0)
        #expect(fixture.records.all.map(\.closeReason) == [.drained, .drained])
        #expect(try await onThread { try client.receiveToEnd() }.isEmpty)
        #expect(try await onThread { try handed.receiveToEnd() }.isEmpty)
        await fixture.engine.stop()
    }

    @Test("everybody who is queued on a listener when it closes is served")
    func queued() async throws {
        let server = try TestServer.echo()
        let fixture = try EngineFixture()
        _ = await fixture.engine.apply(.passthrough(to: server))
        let port = fixture.port
        // Connects as fast as it can until refused; each connection that got through must be answered.
        async let outcome = onThread {
            var clients: [TestSocket] = []
            while clients.count < 5000, let client = try? TestSocket.connect(port: port) {
                try client.send(Self.hello)
                clients.append(client)
            }
            var answered = 0
            for client in clients where (try? client.receive(exactly: Self.hello.count)) == Self.hello {
                answered += 1
                client.close()
            }
            return (clients.count, answered)
        }
        try await fixture.until { fixture.engine.counters.accepted > 20 }
        await fixture.engine.drain(grace: .zero, deadline: .seconds(20))
        let (connected, answered) = try await outcome
        #expect(
            connected == answered,
            "\(answered) of \(connected), \(fixture.engine.counters.accepted) accepted, \(fixture.engine.counters.refused.filter { $0.value > 0 })"
        )
        await fixture.engine.stop()
    }

    @Test("stopping ends everything at once, twice over if need be")
    func stop() async throws {
        let server = try TestServer.echo()
        let fixture = try EngineFixture()
        _ = await fixture.engine.apply(.passthrough(to: server))
        let client = try await self.connected(fixture.port)
        await fixture.engine.stop()
        #expect(try await onThread { try client.receiveToEnd() }.isEmpty)
        #expect(fixture.records.all.map(\.closeReason) == [.stopped])
        await fixture.engine.stop()
        #expect(await fixture.engine.connections().isEmpty)
        #expect(await fixture.engine.apply(.passthrough(to: server)).isEmpty)
    }
}
