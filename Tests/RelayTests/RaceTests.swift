import Glibc
import Logging
import NameResolution
import Routing
import TestKit
import Testing

@testable import Relay

@Suite("Addresses of one name")
struct RaceTests {
    private static let hello = HelloBuilder(serverName: "a.test").records()

    private func exchange(_ port: UInt16) async throws -> [UInt8] {
        try await onThread {
            let client = try TestSocket.connect(port: port)
            try client.send(Self.hello)
            client.shutdownWrite()
            return try client.receiveToEnd()
        }
    }

    /// An engine whose one cluster has one endpoint, a name with these addresses.
    private func with(
        _ addresses: [String], port: UInt16, rules: AddressRules? = nil, connectTimeout: Duration = .seconds(5),
        _ body: (RelayEngine, RecordLog) async throws -> Void
    ) async throws {
        var options = RelayOptions()
        options.workers = 1
        options.connectTimeout = connectTimeout
        let records = RecordLog()
        let known = ResolvedName(addresses: addresses.map { IPEndpoint(address: $0, port: 0)! }, validFor: .seconds(60))
        let engine = try RelayEngine(
            options: options, handoff: HandoffLog(), records: records, resolver: ScriptedResolver(answers: ["backend.test": known]),
            logger: .init(label: "test"))
        try engine.start()
        var config = ProxyConfig.passthrough(to: [Endpoint(address: "backend.test", port: port)])
        config.clusters[0].resolvedAddresses = rules
        #expect(await engine.apply(config).isEmpty)
        do { try await body(engine, records) } catch {
            await engine.stop()
            throw error
        }
        await engine.stop()
    }

    private func until(_ fact: () async -> Bool) async throws {
        let start = ContinuousClock.now
        while await !fact() {
            guard ContinuousClock.now - start < .seconds(20) else { throw NeverHappened() }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Descriptors of this process that are sockets.
    private var sockets: Int {
        var count = 0
        for fd in Int32(0)..<4096 {
            var kind: Int32 = 0
            var size = socklen_t(4)
            if getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 { count += 1 }
        }
        return count
    }

    @Test("an address that doesn't answer costs a quarter of a second, not the connect timeout, and its socket is closed")
    func silentFirst() async throws {
        let server = try TestServer.echo(address: "127.0.3.2")
        let silent = try FullListener(address: "127.0.3.1", port: server.port)
        defer { withExtendedLifetime(silent) {} }
        try await self.with(["127.0.3.1", "127.0.3.2"], port: server.port) { (engine, records) async throws in
            let port = engine.boundListeners[0].address.port
            // The first connection of each turn begins with the other address.
            for _ in 0..<4 { #expect(try await self.exchange(port) == Self.hello) }
            try await self.until { records.all.count == 4 }
            let slowest = records.all.compactMap(\.connectDuration).max()!
            #expect((Duration.milliseconds(250)..<Duration.seconds(2)).contains(slowest))
            #expect(records.all.compactMap(\.connectDuration).min()! < .milliseconds(200))
            let state = try #require(await engine.clusters().first?.endpoints.first)
            #expect(state.failures == 0)
            #expect(state.connects == 4)
            let before = self.sockets
            for _ in 0..<4 { #expect(try await self.exchange(port) == Self.hello) }
            try await self.until { records.all.count == 8 }
            try await self.until { self.sockets <= before }
        }
    }

    @Test("a silent IPv6 path is left for IPv4", .enabled(if: IPEndpoint.hasIPv6Loopback))
    func families() async throws {
        let server = try TestServer.echo(address: "127.0.0.1")
        let silent = try FullListener(address: "::1", port: server.port)
        defer { withExtendedLifetime(silent) {} }
        try await self.with(["::1", "127.0.0.1"], port: server.port) { (engine, records) async throws in
            #expect(try await self.exchange(engine.boundListeners[0].address.port) == Self.hello)
            try await self.until { !records.all.isEmpty }
            #expect((Duration.milliseconds(250)..<Duration.seconds(2)).contains(records.all[0].connectDuration!))
        }
    }

    @Test("an address that refuses is left at once")
    func refusedFirst() async throws {
        let server = try TestServer.echo(address: "127.0.0.2")
        try await self.with(["127.0.0.1", "127.0.0.3", "127.0.0.2"], port: server.port) { (engine, records) async throws in
            let port = engine.boundListeners[0].address.port
            for _ in 0..<6 { #expect(try await self.exchange(port) == Self.hello) }
            try await self.until { records.all.count == 6 }
            #expect(records.all.compactMap(\.connectDuration).max()! < .milliseconds(250))
            #expect(engine.counters.connectFailures == 0)
        }
    }

    @Test("one connect timeout holds for all addresses of an endpoint, and nothing stays open")
    func allSilent() async throws {
        let silent = try FullListener(address: "127.0.1.1")
        let port = silent.port
        let others = try (2...6).map { try FullListener(address: "127.0.2.\($0)", port: port) }
        defer { withExtendedLifetime((silent, others)) {} }
        let addresses = ["127.0.1.1"] + (2...6).map { "127.0.2.\($0)" }
        try await self.with(addresses, port: port, connectTimeout: .milliseconds(900)) { (engine, records) async throws in
            let before = self.sockets
            let start = ContinuousClock.now
            #expect(try await self.exchange(engine.boundListeners[0].address.port) == [21, 3, 3, 0, 2, 2, 112])
            #expect((Duration.milliseconds(900)..<Duration.seconds(3)).contains(ContinuousClock.now - start))
            try await self.until { records.all.first?.verdict == .refused(.connectTimeout) }
            try await self.until { self.sockets <= before }
            #expect(await engine.clusters().first?.active == 0)
        }
    }

    @Test("a client that leaves during the race ends it")
    func clientLeaves() async throws {
        let silent = try FullListener(address: "127.0.1.1")
        let other = try FullListener(address: "127.0.1.2", port: silent.port)
        defer { withExtendedLifetime((silent, other)) {} }
        try await self.with(["127.0.1.1", "127.0.1.2"], port: silent.port) { (engine, records) async throws in
            let before = self.sockets
            let client = try TestSocket.connect(port: engine.boundListeners[0].address.port)
            try client.send(Self.hello)
            try await self.until { self.sockets >= before + 4 }
            client.reset()
            try await self.until { records.all.first?.verdict == .refused(.clientGone) }
            try await self.until { self.sockets <= before }
            let state = try #require(await engine.clusters().first?.endpoints.first)
            #expect(state.active == 0)
            #expect(state.failures == 0)
        }
    }

    @Test("addresses that the rules deny are passed over")
    func someDenied() async throws {
        let server = try TestServer.echo(address: "127.0.0.2")
        let rules = AddressRules(deny: ["127.0.0.0/8"], allow: ["127.0.0.2"])
        try await self.with(["127.0.0.1", "127.0.0.2"], port: server.port, rules: rules) { (engine, records) async throws in
            for _ in 0..<3 { #expect(try await self.exchange(engine.boundListeners[0].address.port) == Self.hello) }
        }
    }

    @Test(
        "a name that leads only to denied addresses is refused with the reason and an address, IPv4 in IPv6 dress too",
        arguments: ["127.0.0.1", "::ffff:127.0.0.1"])
    func allDenied(address: String) async throws {
        let server = try TestServer.echo()
        try await self.with([address], port: server.port, rules: AddressRules(deny: ["127.0.0.0/8"])) { (engine, records) async throws in
            #expect(try await self.exchange(engine.boundListeners[0].address.port) == [21, 3, 3, 0, 2, 2, 112])
            try await self.until { !records.all.isEmpty }
            #expect(records.all[0].verdict == .refused(.addressDenied))
            #expect(records.all[0].detail == "\(address) may not be dialled")
            #expect(server.connections == 0)
        }
    }

    @Test("an address literal was chosen by whoever wrote it")
    func literal() async throws {
        let server = try TestServer.echo()
        var config = ProxyConfig.passthrough(to: server)
        config.clusters[0].resolvedAddresses = AddressRules(deny: ["0.0.0.0/0"])
        try await EngineFixture.run(config) { (fixture) async throws in
            #expect(try await self.exchange(fixture.port) == Self.hello)
        }
    }
}
