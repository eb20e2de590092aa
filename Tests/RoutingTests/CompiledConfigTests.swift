import ClientHello
import Testing

@testable import Routing

@Suite("Compiled configuration")
struct CompiledConfigTests {
    private func listener(_ name: String = "egress", port: UInt16 = 10002, routes: [Route]) -> Listener {
        Listener(name: name, address: "127.0.0.1", port: port, kind: .sni(routes: routes))
    }

    private let good = Cluster(name: "c", endpoints: [Endpoint(address: "10.0.0.1", port: 80)])

    @Test("an empty configuration is a good one")
    func empty() {
        let compiled = CompiledConfig(ProxyConfig())
        #expect(compiled.errors.isEmpty)
        #expect(compiled.listeners.isEmpty)
    }

    @Test("a route to a missing cluster refuses, and doesn't fall through to a broader route")
    func missingCluster() throws {
        let config = ProxyConfig(
            listeners: [
                self.listener(routes: [
                    Route(sni: ["a.test"], action: .passthrough(cluster: "gone"), origin: "A"),
                    Route(sni: ["*"], action: .passthrough(cluster: "c"), origin: "B"),
                ])
            ], clusters: [self.good])
        let compiled = CompiledConfig(config)
        let listener = compiled.listeners[0]
        #expect(listener.table?.match(try ServerName("a.test")) == 0)
        #expect(listener.routes[0].verb == .refuse)
        #expect(listener.routes[1].verb == .passthrough)
        #expect(
            compiled.errors == [
                ItemError(item: "route A", message: "There is no cluster gone; connections for it are refused with no_endpoint.")
            ])
    }

    @Test("of two listeners with one name, or one address, the first serves")
    func duplicates() {
        let compiled = CompiledConfig(
            ProxyConfig(listeners: [self.listener(routes: []), self.listener(port: 1, routes: []), self.listener("other", routes: [])]))
        #expect(compiled.listeners.map(\.name) == ["egress"])
        #expect(compiled.errors.map(\.item) == ["listener egress", "listener other"])
    }

    @Test("actions that don't fit their listener are refused")
    func misplaced() {
        let outbound = Listener(
            name: "out", address: "127.0.0.1", port: 1,
            kind: .outbound(service: "backend", action: .terminate(mesh: "default", callers: CallerRules(), cluster: "c")))
        let compiled = CompiledConfig(
            ProxyConfig(
                listeners: [
                    outbound, self.listener(routes: [Route(sni: ["*"], action: .originate(mesh: "default", cluster: "c"), origin: "A")]),
                ],
                clusters: [self.good]))
        #expect(compiled.listeners.map(\.name) == ["egress"])
        #expect(compiled.listeners[0].routes[0].verb == .refuse)
        #expect(compiled.errors.map(\.item) == ["listener out", "route A"])
    }

    @Test("a permissive listener has a route for the mesh and one for everything else, and no other action fits")
    func permissive() {
        let terminate = Action.terminate(mesh: "default", callers: CallerRules(), cluster: "c")
        let passthrough = Action.passthrough(cluster: "c")
        func listener(_ name: String, _ port: UInt16, _ mesh: Action, _ other: Action) -> Listener {
            let routes = [
                Route(sni: ["web.test"], action: mesh, origin: "Dataplane/web"), Route(sni: ["api.test"], action: terminate, origin: "A"),
            ]
            return Listener(name: name, address: "127.0.0.1", port: port, kind: .permissive(routes: routes, other: other))
        }
        let compiled = CompiledConfig(
            ProxyConfig(
                listeners: [
                    listener("in", 1, terminate, passthrough), listener("a", 2, passthrough, passthrough),
                    listener("b", 3, terminate, terminate), listener("c", 4, .originate(mesh: "default", cluster: "c"), passthrough),
                    Listener(name: "plain", address: "127.0.0.1", port: 5, kind: .outbound(service: "s", action: passthrough)),
                    Listener(
                        name: "strict", address: "127.0.0.1", port: 6,
                        kind: .sni(routes: [Route(sni: ["web.test"], action: terminate, origin: "A")])),
                ], clusters: [self.good]))
        #expect(compiled.listeners.map(\.name) == ["in", "plain", "strict"])
        let (either, plain, strict) = (compiled.listeners[0], compiled.listeners[1], compiled.listeners[2])
        #expect(compiled.listeners.map(\.clients) == [.either, .plain, .tls])
        #expect(compiled.listeners.map(\.otherRoute) == [2, 0, nil])
        #expect(either.routes.map(\.verb) == [.terminate, .terminate, .passthrough])
        // What a connection would meet after a change from one to the other.
        "web.test".utf8.withContiguousStorageIfAvailable { bytes in
            let name = UnsafeRawBufferPointer(bytes)
            #expect(strict.action(0, of: either, name: name) == terminate)
            #expect(either.action(0, of: strict, name: name) == terminate)
            #expect(strict.action(2, of: either, name: name) == nil)
            #expect(plain.action(0, of: either, name: name) == nil)
        }
        #expect(plain.action(2, of: either, name: nil) == passthrough)
        #expect(either.action(0, of: plain, name: nil) == passthrough)
        #expect(strict.action(0, of: plain, name: nil) == nil)
        #expect(compiled.errors.map(\.item) == ["listener a", "listener b", "listener c"])
    }

    @Test("passthrough to a cluster that asks for TLS is refused, never sent in the clear")
    func passthroughBesideTLS() {
        var cluster = self.good
        cluster.tls = .external(ExternalTLS(serverName: "api.test"))
        let outbound = Listener(
            name: "out", address: "127.0.0.1", port: 1, kind: .outbound(service: "api", action: .passthrough(cluster: "c")))
        let compiled = CompiledConfig(ProxyConfig(listeners: [outbound], clusters: [cluster]))
        #expect(compiled.listeners[0].routes[0].verb == .refuse)
        #expect(compiled.errors.map(\.item) == ["listener out"])
    }

    @Test("endpoints nobody can connect to are named, the others serve")
    func endpoints() {
        var cluster = self.good
        cluster.endpoints.append(Endpoint(address: "", port: 80))
        cluster.endpoints.append(Endpoint(address: "10.0.0.2", port: 0))
        let compiled = CompiledConfig(ProxyConfig(clusters: [cluster, cluster]))
        #expect(compiled.clusters == [self.good])
        #expect(compiled.errors.map(\.item) == ["cluster c", "cluster c", "cluster c"])
    }
}
