import CLinux
import Routing
import TestKit
import Testing

@testable import Relay

@Suite("Hand-off")
struct HandoffTests {
    private static let hello = HelloBuilder(serverName: "ext.test").records()

    private var config: ProxyConfig {
        ProxyConfig(
            listeners: [
                Listener(
                    name: "egress", address: "127.0.0.1", port: 0,
                    kind: .sni(routes: [
                        Route(
                            sni: ["ext.test"], action: .terminate(mesh: "default", callers: CallerRules(), cluster: "ext"),
                            origin: "ExternalService/ext")
                    ])),
                Listener(
                    name: "out", address: "127.0.0.1", port: 0,
                    kind: .outbound(service: "ext", action: .originate(mesh: "default", cluster: "ext"))),
            ], clusters: [Cluster(name: "ext", endpoints: [Endpoint(address: "127.0.0.1", port: 9)])])
    }

    private func port(_ fixture: EngineFixture, _ name: String) throws -> UInt16 {
        try #require(fixture.engine.boundListeners.first { $0.name == name }).address.port
    }

    @Test("a socket to terminate arrives unread, with what was learnt, also when its hello came in pieces", arguments: [false, true])
    func terminate(inPieces: Bool) async throws {
        try await EngineFixture.run(self.config) { (fixture) async throws in
            let port = try self.port(fixture, "egress")
            let client = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(inPieces ? Array(Self.hello[..<20]) : Self.hello)
                return client
            }
            if inPieces {
                try await fixture.until { await fixture.engine.connections().contains { $0.state == .readingHello } }
                try await onThread { try client.send(Array(Self.hello[20...])) }
            }
            try await fixture.until { fixture.handoff.taken.count == 1 }
            let taken = fixture.handoff.taken[0]
            #expect(taken.serverName == "ext.test")
            #expect(taken.listener == "egress")
            #expect(taken.origin == "ExternalService/ext")
            #expect(taken.action.cluster == "ext")
            #expect(taken.config.upstream(named: "ext") != nil)
            #expect(taken.config.generation == 1)
            #expect(fixture.engine.counters.active == 1)
            // Every byte is still there, one at a time too: the low-water mark is back at one.
            let server = TestSocket(fd: taken.socket)
            #expect(try await onThread { try server.receive(exactly: Self.hello.count) } == Self.hello)
            try await onThread { try client.send([9]) }
            #expect(try await onThread { try server.receive(exactly: 1) } == [9])
            server.close()
            taken.finish(
                HandoffOutcome(
                    verdict: .refused(.notPermitted), closeReason: .refused, caller: "spiffe://default/web", bytesIn: 3, bytesOut: 4,
                    detail: "no rule"))
            let record = try await fixture.record()
            #expect(record.verdict == .refused(.notPermitted))
            #expect(record.caller == "spiffe://default/web")
            #expect(record.detail == "no rule")
            #expect(record.origin == "ExternalService/ext")
            try await fixture.until { fixture.engine.counters.active == 0 }
            #expect(fixture.engine.counters.refused[.notPermitted] == 1)
            // A second word is one too many, and ignored.
            taken.finish(HandoffOutcome(verdict: .allowed, closeReason: .finished))
            _ = await fixture.engine.connections()
            #expect(fixture.engine.counters.allowed == 0)
        }
    }

    @Test("a plaintext connection to originate is handed off before its first byte")
    func originate() async throws {
        try await EngineFixture.run(self.config) { (fixture) async throws in
            let port = try self.port(fixture, "out")
            let client = try await onThread { try TestSocket.connect(port: port) }
            try await fixture.until { fixture.handoff.taken.count == 1 }
            let taken = fixture.handoff.taken[0]
            #expect(taken.serverName == nil)
            #expect(taken.origin == "ext")
            #expect(taken.action == .originate(mesh: "default", cluster: "ext"))
            let server = TestSocket(fd: taken.socket)
            server.close()
            taken.finish(HandoffOutcome(verdict: .allowed, closeReason: .finished, bytesIn: 10, bytesOut: 20))
            try await fixture.until { fixture.engine.counters.allowed == 1 }
            #expect(fixture.engine.counters.bytesOut == 20)
            client.close()
        }
    }

    @Test("an outbound listener that passes through connects at once, for servers that speak first")
    func outboundPassthrough() async throws {
        let server = try TestServer { socket in
            try socket.send(Array("220 hello\r\n".utf8))
            _ = try socket.receiveToEnd()
        }
        let config = ProxyConfig(
            listeners: [
                Listener(
                    name: "out", address: "127.0.0.1", port: 0, kind: .outbound(service: "smtp", action: .passthrough(cluster: "c")))
            ], clusters: [Cluster(name: "c", endpoints: [Endpoint(address: "127.0.0.1", port: server.port)])])
        try await EngineFixture.run(config) { (fixture) async throws in
            let port = fixture.port
            let greeting = try await onThread {
                let client = try TestSocket.connect(port: port)
                let greeting = try client.receive(exactly: 11)
                client.shutdownWrite()
                return try greeting + client.receiveToEnd()
            }
            #expect(String(decoding: greeting, as: UTF8.self) == "220 hello\r\n")
            #expect(try await fixture.record().origin == "smtp")
        }
    }

    @Test("stopping closes what was handed off")
    func stop() async throws {
        let fixture = try EngineFixture()
        _ = await fixture.engine.apply(self.config)
        let port = try self.port(fixture, "out")
        let client = try await onThread { try TestSocket.connect(port: port) }
        try await fixture.until { fixture.handoff.taken.count == 1 }
        await fixture.engine.stop()
        #expect(fixture.handoff.closed.count == 1)
        #expect(fixture.records.all.first?.closeReason == .stopped)
        #expect(try await onThread { try client.receiveToEnd() }.isEmpty)
    }
}
