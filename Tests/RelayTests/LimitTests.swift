import Routing
import Telemetry
import TestKit
import Testing

@testable import Relay

@Suite("Connection limits")
struct LimitTests {
    private static let hello = HelloBuilder(serverName: "a.test").records()
    private static let alert: [UInt8] = [21, 3, 3, 0, 2, 2, 112]

    /// A connection that has exchanged its hello and stays open.
    private func open(_ port: UInt16) async throws -> TestSocket {
        try await onThread {
            let client = try TestSocket.connect(port: port)
            try client.send(Self.hello)
            #expect(try client.receive(exactly: Self.hello.count) == Self.hello)
            return client
        }
    }

    /// What a connection gets that is refused.
    private func refused(_ port: UInt16) async throws -> [UInt8] {
        try await onThread {
            let client = try TestSocket.connect(port: port)
            try client.send(Self.hello)
            return try client.receiveToEnd()
        }
    }

    private func metrics(_ engine: RelayEngine) -> String {
        let registry = MetricsRegistry()
        engine.register(in: registry)
        return registry.render()
    }

    @Test("the proxy's limit holds over all workers, refuses with an alert, and recovers", arguments: [1, 3])
    func total(workers: Int) async throws {
        let server = try TestServer.echo()
        var config = ProxyConfig.passthrough(to: server)
        config.maxConnections = 5
        try await EngineFixture.run(config, workers: workers) { (fixture) async throws in
            var clients: [TestSocket] = []
            for _ in 0..<4 { clients.append(try await self.open(fixture.port)) }
            // One that has said nothing counts as well.
            let silent = try TestSocket.connect(port: fixture.port)
            try await fixture.until { fixture.engine.counters.active == 5 }
            for _ in 0..<10 { #expect(try await self.refused(fixture.port) == Self.alert) }
            let record = try await fixture.record { $0.verdict == .refused(.connectionLimit) }
            #expect(record.detail == "maxConnections is 5")
            #expect(fixture.engine.counters.refused[.connectionLimit] == 10)
            let text = self.metrics(fixture.engine)
            #expect(text.contains("egret_connection_limit 5"))
            #expect(text.contains("egret_open_connections 5"))
            silent.close()
            try await fixture.until { fixture.engine.open.count == 4 }
            clients.append(try await self.open(fixture.port))
            #expect(try await self.refused(fixture.port) == Self.alert)
            // A higher limit counts at once, and so does none.
            var more = config
            more.maxConnections = nil
            _ = await fixture.engine.apply(more)
            clients.append(try await self.open(fixture.port))
            // A lower one leaves what is open alone.
            more.maxConnections = 1
            _ = await fixture.engine.apply(more)
            #expect(try await self.refused(fixture.port) == Self.alert)
            for client in clients {
                try await onThread {
                    try client.send([7])
                    #expect(try client.receive(exactly: 1) == [7])
                }
                client.close()
            }
            try await fixture.until { fixture.engine.open.count == 0 }
            try await self.open(fixture.port).close()
        }
    }

    @Test("a cluster's limit leaves other clusters alone, and recovers on every way a connection ends")
    func cluster() async throws {
        let server = try TestServer.echo()
        var config = ProxyConfig.passthrough(["a.test"], to: server)
        config.clusters[0].maxConnections = 3
        config.clusters.append(Cluster(name: "d", endpoints: [Endpoint(address: "127.0.0.1", port: server.port)]))
        guard case .sni(var routes) = config.listeners[0].kind else { return }
        routes.append(Route(sni: ["*"], action: .passthrough(cluster: "d"), origin: "other"))
        config.listeners[0].kind = .sni(routes: routes)
        try await EngineFixture.run(config, workers: 2) { (fixture) async throws in
            for round in 0..<3 {
                var clients: [TestSocket] = []
                for _ in 0..<3 { clients.append(try await self.open(fixture.port)) }
                #expect(try await self.refused(fixture.port) == Self.alert)
                let state = try #require(await fixture.engine.clusters().first)
                #expect(state.active == 3)
                #expect(state.maxConnections == 3)
                let text = self.metrics(fixture.engine)
                #expect(text.contains(#"egret_cluster_open_connections{cluster="c"} 3"#))
                #expect(text.contains(#"egret_cluster_connection_limit{cluster="c"} 3"#))
                let other = try await onThread {
                    let client = try TestSocket.connect(port: fixture.port)
                    let hello = HelloBuilder(serverName: "b.test").records()
                    try client.send(hello)
                    client.shutdownWrite()
                    return try client.receiveToEnd() == hello
                }
                #expect(other)
                for client in clients {
                    if round == 0 { client.close() } else if round == 1 { client.reset() } else { client.shutdownWrite() }
                }
                try await fixture.until { await fixture.engine.clusters()[0].active == 0 }
            }
            #expect(fixture.engine.counters.refused[.clusterConnectionLimit] == 3)
            let record = try await fixture.record { $0.verdict == .refused(.clusterConnectionLimit) }
            #expect(record.detail == "maxConnections is 3")
        }
    }

    @Test("attempts under way count, and end by timeout or with the client")
    func attempts() async throws {
        let silent = try FullListener()
        var config = ProxyConfig.passthrough(to: [Endpoint(address: "127.0.0.1", port: silent.port)])
        config.clusters[0].maxConnections = 2
        try await EngineFixture.run(config, workers: 2, options: { $0.connectTimeout = .milliseconds(700) }) { (fixture) async throws in
            let leaving = try TestSocket.connect(port: fixture.port)
            try leaving.send(Self.hello)
            let waiting = try TestSocket.connect(port: fixture.port)
            try waiting.send(Self.hello)
            try await fixture.until { await fixture.engine.clusters()[0].active == 2 }
            #expect(try await self.refused(fixture.port) == Self.alert)
            #expect(fixture.engine.counters.refused[.clusterConnectionLimit] == 1)
            leaving.reset()
            #expect(try await onThread { try waiting.receiveToEnd() } == Self.alert)
            try await fixture.until { await fixture.engine.clusters()[0].active == 0 }
            #expect(fixture.engine.counters.refused[.connectTimeout] == 1)
        }
    }

    @Test("connections of several workers spread over endpoints as one")
    func spread() async throws {
        let servers = try (1...4).map { try TestServer.echo(address: "127.0.0.\($0)") }
        let endpoints = servers.enumerated().map { Endpoint(address: "127.0.0.\($0 + 1)", port: $1.port) }
        try await EngineFixture.run(.passthrough(to: endpoints), workers: 4) { (fixture) async throws in
            var clients: [TestSocket] = []
            for _ in 0..<40 { clients.append(try await self.open(fixture.port)) }
            #expect(servers.map(\.connections) == [10, 10, 10, 10])
            #expect(await fixture.engine.clusters()[0].endpoints.map(\.active) == [10, 10, 10, 10])
            withExtendedLifetime(clients) {}
        }
    }

    @Test("what one worker finds dead all workers leave alone")
    func shared() async throws {
        let server = try TestServer.echo()
        let dead = Endpoint(address: "127.77.0.1", port: server.port)
        let alive = Endpoint(address: "127.0.0.1", port: server.port, priority: 1)
        try await EngineFixture.run(.passthrough(to: [dead, alive]), workers: 4) { (fixture) async throws in
            for _ in 0..<24 { try await self.open(fixture.port).close() }
            #expect(fixture.engine.counters.connectFailures == 3)
            #expect(self.metrics(fixture.engine).contains("egret_ejected_endpoints 1"))
        }
    }
}
