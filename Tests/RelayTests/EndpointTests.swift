import CLinux
import Glibc
import Logging
import NameResolution
import Routing
import TestKit
import Testing

@testable import Relay

@Suite("Endpoints")
struct EndpointTests {
    private static let hello = HelloBuilder(serverName: "a.test").records()

    private func exchange(_ port: UInt16) async throws -> [UInt8] {
        try await onThread {
            let client = try TestSocket.connect(port: port)
            try client.send(Self.hello)
            client.shutdownWrite()
            return try client.receiveToEnd()
        }
    }

    @Test("a dead endpoint costs nobody a connection, and is set aside after three failures")
    func retry() async throws {
        let server = try TestServer.echo()
        let dead = Endpoint(address: "127.77.0.1", port: server.port)
        let alive = Endpoint(address: "127.0.0.1", port: server.port, priority: 1)
        try await EngineFixture.run(.passthrough(to: [dead, alive]), workers: 1) { (fixture) async throws in
            for _ in 0..<6 { #expect(try await self.exchange(fixture.port) == Self.hello) }
            let clusters = await fixture.engine.clusters()
            #expect(clusters.map(\.name) == ["c"])
            let states = clusters[0].endpoints
            #expect(states.first { $0.endpoint == dead }?.failures == 3)
            #expect(states.first { $0.endpoint == dead }?.ejected == true)
            #expect(states.first { $0.endpoint == alive }?.connects == 6)
            #expect(fixture.engine.counters.connectFailures == 3)
            #expect(fixture.engine.counters.refused.values.reduce(0, +) == 0)
        }
    }

    @Test("an endpoint that doesn't answer is given up after the connect timeout")
    func timeout() async throws {
        // A listener whose queue is full lets further connects hang.
        let full = try FullListener()
        let server = try TestServer.echo()
        let endpoints = [Endpoint(address: "127.0.0.1", port: full.port), Endpoint(address: "127.0.0.1", port: server.port, priority: 1)]
        try await EngineFixture.run(.passthrough(to: endpoints), workers: 1, options: { $0.connectTimeout = .milliseconds(200) }) {
            fixture in
            #expect(try await self.exchange(fixture.port) == Self.hello)
            let record = try await fixture.record()
            #expect(record.endpoint == "127.0.0.1:\(server.port)")
            #expect(record.connectDuration! >= .milliseconds(200))
        }
        try await EngineFixture.run(
            .passthrough(to: [Endpoint(address: "127.0.0.1", port: full.port)]), workers: 1,
            options: { $0.connectTimeout = .milliseconds(100) }
        ) { (fixture) async throws in
            #expect(try await self.exchange(fixture.port) == [21, 3, 3, 0, 2, 2, 112])
            #expect(try await fixture.record().verdict == .refused(.connectTimeout))
        }
    }

    private func withResolver(
        _ answers: [String: ResolvedName], _ endpoints: [Endpoint], answersLater: Bool = false,
        _ body: (RelayEngine, RecordLog) async throws -> Void
    ) async throws {
        var options = RelayOptions()
        options.workers = 1
        let records = RecordLog()
        let engine = try RelayEngine(
            options: options, handoff: HandoffLog(), records: records,
            resolver: ScriptedResolver(answers: answers, answersLater: answersLater),
            logger: .init(label: "test"))
        try engine.start()
        #expect(await engine.apply(.passthrough(to: endpoints)).isEmpty)
        do { try await body(engine, records) } catch {
            await engine.stop()
            throw error
        }
        await engine.stop()
    }

    @Test("a host name's addresses are tried one after the other", arguments: [false, true])
    func hostName(answersLater: Bool) async throws {
        let server = try TestServer.echo()
        let addresses = [IPEndpoint(address: "127.77.0.1", port: 0)!, IPEndpoint(address: "127.0.0.1", port: 0)!]
        let answers = ["backend.internal": ResolvedName(addresses: addresses, validFor: .seconds(60))]
        let endpoint = Endpoint(address: "backend.internal", port: server.port)
        try await self.withResolver(answers, [endpoint], answersLater: answersLater) { (engine, records) async throws in
            #expect(try await self.exchange(engine.boundListeners[0].address.port) == Self.hello)
            let state = try #require(await engine.clusters().first?.endpoints.first)
            #expect(state.resolved == ["127.77.0.1", "127.0.0.1"])
            #expect(state.failures == 0)
            try await records.wait()
            #expect(records.all.first?.endpoint == "backend.internal:\(server.port)")
        }
    }

    @Test("a name that doesn't resolve is the reason given")
    func unresolved() async throws {
        try await self.withResolver([:], [Endpoint(address: "nowhere.internal", port: 443)]) { (engine, records) async throws in
            #expect(try await self.exchange(engine.boundListeners[0].address.port) == [21, 3, 3, 0, 2, 2, 112])
            try await records.wait()
            #expect(records.all.first?.verdict == .refused(.nameNotResolved))
            #expect(records.all.first?.detail == "unknown")
        }
    }
}
