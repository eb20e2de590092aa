import CLinux
import Routing
import TestKit
import Testing

@testable import Relay

/// What becomes of open connections when their route goes: `removedRoutes` says.
@Suite("Removed routes")
struct RemovedRouteTests {
    private struct Open {
        let socket: TestSocket
        let name: String
    }

    private static func open(_ name: String, _ port: UInt16) async throws -> Open {
        try await onThread {
            let hello = HelloBuilder(serverName: name).records()
            let client = try TestSocket.connect(port: port)
            try client.send(hello)
            _ = try client.receive(exactly: hello.count)
            return Open(socket: client, name: name)
        }
    }

    private static func serves(_ open: Open) async throws -> Bool {
        try await onThread {
            try open.socket.send([7])
            return try open.socket.receive(exactly: 1) == [7]
        }
    }

    private static func route(_ names: String..., to cluster: String) -> Route {
        Route(sni: names, action: .passthrough(cluster: cluster), origin: "ZoneIngress/\(cluster)")
    }

    private static func config(_ routes: [Route], to servers: [TestServer], _ removed: ProxyConfig.RemovedRoutes? = .cut) -> ProxyConfig {
        let clusters = zip(["c", "d"], servers).map { name, server in
            Cluster(name: name, endpoints: [Endpoint(address: "127.0.0.1", port: server.port)])
        }
        return ProxyConfig(
            listeners: [Listener(name: "egress", address: "127.0.0.1", port: 0, kind: .sni(routes: routes))], clusters: clusters,
            removedRoutes: removed)
    }

    @Test("with `cut` those whose route is gone or leads elsewhere are closed, each with the reason; the others go on")
    func cut() async throws {
        let servers = [try TestServer.echo(), try TestServer.echo()]
        let before = [Self.route("stays.test", "gone.test", "moves.test", "*.broader.test", to: "c")]
        try await EngineFixture.run(Self.config(before, to: servers)) { (fixture) async throws in
            let port = fixture.port
            var opened: [String: Open] = [:]
            for name in ["stays.test", "gone.test", "moves.test", "a.broader.test"] { opened[name] = try await Self.open(name, port) }
            // Another name for the same destination is the same route; other endpoints are no other route.
            let after = [Self.route("stays.test", to: "c"), Self.route("moves.test", to: "d"), Self.route("*", to: "c")]
            var config = Self.config(Array(after.dropLast()) + [Self.route("a.broader.test", to: "c")], to: servers)
            config.clusters[0].endpoints = [Endpoint(address: "127.0.0.1", port: servers[1].port)]
            _ = await fixture.engine.apply(config)
            for name in ["gone.test", "moves.test"] {
                let socket = opened[name]!.socket
                #expect(try await onThread { try socket.receiveToEnd() }.isEmpty)
                let record = try await fixture.record { $0.serverName == name }
                #expect(record.closeReason == .routeRemoved && record.verdict == .allowed && record.origin == "ZoneIngress/c")
            }
            for name in ["stays.test", "a.broader.test"] { #expect(try await Self.serves(opened[name]!)) }
            #expect(fixture.engine.counters.active == 2)
            for open in opened.values { open.socket.close() }
        }
    }

    @Test("without it they go on until they end by themselves", arguments: [nil, .keep] as [ProxyConfig.RemovedRoutes?])
    func keep(_ removed: ProxyConfig.RemovedRoutes?) async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(Self.config([Self.route("a.test", to: "c")], to: [server], removed)) { (fixture) async throws in
            let open = try await Self.open("a.test", fixture.port)
            _ = await fixture.engine.apply(Self.config([], to: [server], removed))
            #expect(try await Self.serves(open))
            // Said later, it holds for those that were kept until then.
            _ = await fixture.engine.apply(Self.config([], to: [server], .cut))
            #expect(try await onThread { try open.socket.receiveToEnd() }.isEmpty)
            #expect(try await fixture.record().closeReason == .routeRemoved)
        }
    }

    @Test("a listener that goes takes its connections with it; one that is renamed does not")
    func listener() async throws {
        let server = try TestServer.echo()
        var config = Self.config([Self.route("a.test", to: "c")], to: [server])
        try await EngineFixture.run(config) { (fixture) async throws in
            config.listeners[0].port = fixture.port
            let first = try await Self.open("a.test", fixture.port)
            _ = await fixture.engine.apply(ProxyConfig(removedRoutes: .cut))
            #expect(try await onThread { try first.socket.receiveToEnd() }.isEmpty)
            #expect(try await fixture.record().closeReason == .routeRemoved)

            #expect(await fixture.engine.apply(config).isEmpty)
            let second = try await Self.open("a.test", fixture.port)
            config.listeners[0].name = "other"
            #expect(await fixture.engine.apply(config).isEmpty)
            #expect(try await Self.serves(second))
            second.socket.close()
        }
    }

    @Test("connections with the TLS side are told: those without a route to end, the others who may call now")
    func handedOff() async throws {
        let config = { (names: [String], allow: [String]) in
            ProxyConfig(
                listeners: [
                    Listener(
                        name: "egress", address: "127.0.0.1", port: 0,
                        kind: .sni(
                            routes: names.map {
                                Route(
                                    sni: [$0], action: .terminate(mesh: "default", callers: CallerRules(allow: allow), cluster: "ext"),
                                    origin: "ExternalService/\($0)")
                            }))
                ], clusters: [Cluster(name: "ext", endpoints: [Endpoint(address: "127.0.0.1", port: 9)])], removedRoutes: .cut)
        }
        try await EngineFixture.run(config(["a.test", "b.test"], ["spiffe://default/*"])) { (fixture) async throws in
            let port = fixture.port
            let clients = try await onThread {
                try ["a.test", "b.test"].map { name in
                    let client = try TestSocket.connect(port: port)
                    try client.send(HelloBuilder(serverName: name).records())
                    return client
                }
            }
            try await fixture.until { fixture.handoff.taken.count == 2 }
            let ids = Dictionary(uniqueKeysWithValues: fixture.handoff.taken.map { ($0.serverName!, $0.id) })
            _ = await fixture.engine.apply(config(["b.test"], ["spiffe://default/web"]))
            #expect(fixture.handoff.closed == [ids["a.test"]!])
            #expect(fixture.handoff.rechecked.map(\.id) == [ids["b.test"]!])
            #expect(fixture.handoff.rechecked.first?.callers == CallerRules(allow: ["spiffe://default/web"]))
            #expect(try await fixture.record().closeReason == .routeRemoved)
            for client in clients { client.close() }
        }
    }
}
