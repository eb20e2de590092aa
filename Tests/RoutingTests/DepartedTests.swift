import Routing
import Testing

/// What a table loses against the one before, and has for a while all the same.
struct DepartedTests {
    private func table(_ routes: [Route], name: String = "egress") -> ProxyConfig {
        ProxyConfig(
            listeners: [Listener(name: name, address: "10.0.0.1", port: 10002, kind: .sni(routes: routes))],
            clusters: routes.map { Cluster(name: $0.action.cluster, endpoints: [Endpoint(address: "10.9.9.9", port: 1)]) },
            trust: routes.compactMap { Self.mesh($0).map { Trust(mesh: $0, ca: "CA of \($0)") } },
            identities: routes.compactMap { Self.mesh($0).map { IdentityRequest(mesh: $0, names: ["spiffe://\($0)/zone-egress"]) } })
    }

    private static func mesh(_ route: Route) -> String? {
        if case .terminate(let mesh, _, _) = route.action { mesh } else { nil }
    }

    private func passing(_ names: String..., to cluster: String) -> Route {
        Route(sni: names, action: .passthrough(cluster: cluster), origin: "zone/east")
    }

    private func ending(_ name: String, of mesh: String) -> Route {
        Route(sni: [name], action: .terminate(mesh: mesh, callers: CallerRules(allow: ["*"]), cluster: name), origin: "ExternalService/x")
    }

    @Test("Routes that are gone come with their clusters, trust and identities; those that stay do not")
    func lost() throws {
        let before = self.table([self.passing("a", "b", to: "ab"), self.passing("c", to: "c"), self.ending("d", of: "blue")])
        let now = self.table([self.passing("a", to: "ab")])
        let lost = try #require(now.departed(from: before, certified: ["blue"]))
        #expect(lost == self.table([self.passing("b", to: "ab"), self.passing("c", to: "c"), self.ending("d", of: "blue")]))
        let whole = now.keeping(lost)
        #expect(
            whole.listeners.map(\.kind) == [
                .sni(routes: [
                    self.passing("a", to: "ab"), self.passing("b", to: "ab"), self.passing("c", to: "c"), self.ending("d", of: "blue"),
                ])
            ])
        #expect(whole.clusters.map(\.name) == ["ab", "c", "d"])
        #expect(whole.trust.map(\.mesh) == ["blue"] && whole.identities.map(\.mesh) == ["blue"])
        // Its own cluster, trust and identity go before those of a route that is gone.
        var other = now
        other.clusters[0].endpoints = []
        other.trust = [Trust(mesh: "blue", ca: "another")]
        #expect(other.keeping(lost).clusters[0].endpoints.isEmpty && other.keeping(lost).trust == other.trust)
    }

    @Test("An external service that is taken out of a mesh is gone at once, while the mesh is there")
    func deleted() {
        let before = self.table([self.passing("a", to: "a"), self.ending("d", of: "blue"), self.ending("e", of: "blue")])
        let now = self.table([self.ending("e", of: "blue")])
        #expect(now.departed(from: before, certified: ["blue"]) == self.table([self.passing("a", to: "a")]))
    }

    @Test("Nothing departs where nothing is lost, where a pattern may take names over, from another listener, or without a certificate")
    func none() {
        let before = self.table([self.passing("a", to: "a"), self.passing("b.c", to: "b")])
        #expect(before.departed(from: before, certified: []) == nil)
        #expect(self.table([self.passing("b.c", "a", to: "new")]).departed(from: before, certified: []) == nil)
        #expect(self.table([self.passing("*.c", to: "c")]).departed(from: before, certified: []) == nil)
        #expect(self.table([], name: "other").departed(from: before, certified: []) == nil)
        #expect(self.table([]).departed(from: self.table([self.passing("*.c", to: "c")]), certified: []) == nil)
        #expect(self.table([]).departed(from: self.table([self.ending("d", of: "blue")]), certified: ["red"]) == nil)
    }
}
