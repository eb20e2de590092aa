import Routing
import TestKit
import Testing

@testable import Relay

@Suite("Passthrough")
struct PassthroughTests {
    @Test("hello and answer arrive byte by byte, and the record says so")
    func echo() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            let hello = HelloBuilder(serverName: "Backend{mesh=default}.").records()
            let answer = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(hello)
                let echoed = try client.receive(exactly: hello.count)
                try client.send([1, 2, 3])
                client.shutdownWrite()
                return try echoed + client.receiveToEnd()
            }
            #expect(answer == hello + [1, 2, 3])
            let record = try await fixture.record()
            #expect(record.serverName == "backend{mesh=default}")
            #expect(record.verdict == .allowed)
            #expect(record.closeReason == .finished)
            #expect(record.bytesIn == UInt64(hello.count + 3))
            #expect(record.bytesOut == UInt64(hello.count + 3))
            #expect(record.origin == "ZoneIngress/east")
            #expect(record.endpoint == "127.0.0.1:\(server.port)")
            let counters = fixture.engine.counters
            #expect(counters.allowed == 1)
            #expect(counters.active == 0)
        }
    }

    @Test("IPv6 serves as well, on both sides", .enabled(if: IPEndpoint.hasIPv6Loopback))
    func ipv6() async throws {
        let server = try TestServer.echo(address: "::1")
        var config = ProxyConfig.passthrough(to: [Endpoint(address: "::1", port: server.port)])
        config.listeners[0].address = "::1"
        try await EngineFixture.run(config) { (fixture) async throws in
            let port = fixture.port
            let hello = HelloBuilder(serverName: "a.test").records()
            let echoed = try await onThread {
                let client = try TestSocket.connect(port: port, address: "::1")
                try client.send(hello)
                client.shutdownWrite()
                return try client.receiveToEnd()
            }
            #expect(echoed == hello)
            let record = try await fixture.record()
            #expect(record.client.address == "::1")
            #expect(record.endpoint == "[::1]:\(server.port)")
        }
    }
}

extension IPEndpoint {
    /// Whether this machine has `::1` at all.
    static var hasIPv6Loopback: Bool { (try? TestServer(address: "::1") { _ in }) != nil }
}
