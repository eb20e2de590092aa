import KubeAPI
import MeshModel
import Planning
import TestKit
import Testing

/// MeshHTTPRoutes: what they do to connections, and what they let through for those who read requests.
extension RouteTests {
    static func httpRoute(
        _ name: String, target: String = "kind: Mesh", to: String = "kind: MeshService, name: backend", _ rules: String
    ) -> String {
        """
        ---
        apiVersion: kuma.io/v1alpha1
        kind: MeshHTTPRoute
        metadata: {name: \(name), namespace: kuma-system}
        spec:
          targetRef: {\(target)}
          to: [{targetRef: {\(to)}, rules: [\(rules)]}]

        """
    }

    /// A rule about every request, or about those of `matches`.
    static func rule(_ backends: String, matches: String = "{path: {type: PathPrefix, value: /}}") -> String {
        "{matches: [\(matches)], default: {backendRefs: [\(backends)]}}"
    }

    static func version(_ version: String, weight: Int = 1) -> String {
        "{kind: MeshServiceSubset, name: backend, tags: {version: \(version)}, weight: \(weight)}"
    }

    // MARK: What the egress knows

    @Test("Subsets of external services that a MeshHTTPRoute asks for, beside the whole service, golden")
    func externalHTTPSubsets() throws {
        let backends = ["v1", "v2"].map { "{kind: MeshServiceSubset, name: httpbin, tags: {version: \($0)}, weight: 1}" }
        var zone = try self.zone(
            Self.versions + Fixture.allowAll
                + Self.httpRoute("canary", to: "kind: MeshService, name: httpbin", Self.rule(backends.joined(separator: ", "))),
            outbounds: "{port: 1000, tags: {kuma.io/service: httpbin}}")
        expectGolden(try #require(zone.settle().egressConfig()).golden, "egress-http-route-external-subsets.json")
        #expect(
            try self.endpoints(zone) == [
                "10.1.0.1:10002x1 httpbin{mesh=default,version=v1} spiffe://default/zone-egress",
                "10.1.0.1:10002x1 httpbin{mesh=default,version=v2} spiffe://default/zone-egress",
            ])
    }

    @Test("With MeshHTTPRoutes only, whole services keep their names, golden")
    func defaultsBesideHTTP() throws {
        let route = Self.httpRoute("other", to: "kind: MeshService, name: gone", Self.rule("{kind: MeshService, name: gone}"))
        var zone = try self.zone(Fixture.east + route)
        expectGolden(try #require(zone.settle().egressConfig()).golden, "egress-internal-only.json")
        #expect(try self.endpoints(zone) == ["10.1.0.1:10002x1 backend{mesh=default} spiffe://default/backend"])
    }

    @Test("Rules about some requests and mirrors let callers through, and do not act")
    func specificRules() throws {
        let all = Self.trafficRoute("all", destination: "'*'", "destination: {kuma.io/service: '*'}")
        let mirror = "{type: RequestMirror, requestMirror: {backendRef: {kind: MeshServiceSubset, name: backend, tags: {region: eu}}}}"
        let route = Self.httpRoute(
            "some",
            Self.rule(Self.version("v2"), matches: "{path: {type: PathPrefix, value: /a}}")
                + ", {matches: [{method: GET}], default: {filters: [\(mirror)]}}")
        let zone = try self.zone(Self.east.replacing("version: v1}", with: "version: v1, region: eu}") + all + route)
        #expect(
            try self.names(zone) == [
                "backend{mesh=default}", "backend{mesh=default,region=eu}", "backend{mesh=default,version=v2}", "db{mesh=default}",
            ])
        #expect(try self.endpoints(zone) == ["10.1.0.1:10002x1 backend{mesh=default} spiffe://default/backend"])
        #expect(zone.condition(.meshHTTPRoutes, "some") == "True Ready")
        #expect(
            zone.message(.meshHTTPRoutes, "some", "Accepted")
                == "The spec is valid. Accepted and not acted on: to[].rules[].default.filters, to[].rules[].matches.")
    }

    @Test("A rule without backendRefs asks for the service itself, and changes nothing")
    func noBackends() throws {
        let other = Self.trafficRoute("other", destination: "db", "destination: {kuma.io/service: db}")
        let zone = try self.zone(Self.east + other + Self.httpRoute("none", "{matches: [{}], default: {}}"))
        #expect(try self.names(zone) == ["backend{mesh=default}", "db{mesh=default}"])
        #expect(zone.message(.dataplanes, "web-0", in: "demo").contains("has TrafficRoutes and none of them is about it"))
        #expect(zone.message(.meshHTTPRoutes, "none", "Accepted") == "The spec is valid.")
        let withoutRules = try self.zone(Self.east + other + Self.httpRoute("none", ""))
        #expect(try self.names(withoutRules) == ["db{mesh=default}"])
    }

    @Test(
        "The ingress takes the subsets that routes of any rule ask for, of services inside and outside of the mesh",
        arguments: ["backend_demo_svc_80", "httpbin"])
    func ingress(service: String) throws {
        // More than are offered in every combination.
        let tags = "version: v1, region: eu, tier: a, team: b, color: red"
        func names(_ yaml: String) throws -> [String] {
            var zone = try TestZone(zone: "east")
            zone.observed.settings.ingress.isEnabled = true
            try zone.addMesh()
            try zone.add(
                Fixture.httpbin.replacing("kuma.io/service: httpbin", with: "kuma.io/service: httpbin, kuma.io/zone: east, \(tags)") + yaml)
            zone.settle()
            try zone.addPod(.ingress, 1, of: "ingress")
            try zone.addWorkload("backend", ip: "10.3.0.1", tags: ", \(tags)")
            return try #require(zone.settle().ingressConfig()).serverNames.filter { $0.hasPrefix(service) }
        }
        func subset(_ tags: String) -> String { "{kind: MeshServiceSubset, name: \(service), tags: {\(tags)}}" }
        let none = try names("")
        let route = Self.httpRoute(
            "pairs", to: "kind: MeshService, name: \(service)",
            Self.rule(subset("version: v1, region: eu"), matches: "{method: GET}") + ", " + Self.rule(subset("region: eu, tier: a")))
        let added = ["\(service){mesh=default,region=eu,tier=a}", "\(service){mesh=default,region=eu,version=v1}"]
        #expect(Set(try names(route)).subtracting(none) == Set(added) && !none.isEmpty)
        let elsewhere = Self.trafficRoute("other", destination: "db", "destination: {kuma.io/service: db}")
        #expect(try names(elsewhere + route) == added)
    }

    // MARK: Where connections go

    @Test("A MeshHTTPRoute goes before a MeshTCPRoute and a TrafficRoute, where it has a rule about every request that says where")
    func requestsFirst() throws {
        let older = Self.trafficRoute("all", destination: "'*'", "destination: {kuma.io/service: db}")
        let connections = Self.tcpRoute(
            "a", target: "kind: MeshService, name: web_demo_svc_80", to: "kind: MeshService, name: backend", Self.version("v1"))
        func target(_ routes: String) throws -> [String] {
            try self.endpoints(self.zone(Self.east + older + connections + routes)).map { String($0.split(separator: " ")[1]) }
        }
        let (v1, v2) = ("backend{mesh=default,version=v1}", "backend{mesh=default,version=v2}")
        #expect(try target("") == [v1])
        // Whatever the other says about whom.
        let wide = Self.httpRoute("wide", Self.rule(Self.version("v2")))
        #expect(try target(wide) == [v2])
        let narrow = "kind: MeshService, name: web_demo_svc_80"
        #expect(
            try target(wide + Self.httpRoute("narrow", target: narrow, Self.rule("{kind: MeshService, name: db}"))) == ["db{mesh=default}"])
        let specific = Self.rule("{kind: MeshService, name: db}", matches: "{path: {type: PathPrefix, value: /db}}")
        for silent in [specific, "{matches: [{}], default: {}}", ""] {
            #expect(try target(Self.httpRoute("narrow", target: narrow, silent)) == [v1], "\(silent)")
            #expect(try target(wide + Self.httpRoute("narrow", target: narrow, silent)) == [v2], "\(silent)")
        }
        #expect(try target(wide.replacing("name: backend}, rules", with: "name: db}, rules")) == [v1])
        #expect(try target(wide.replacing("kind: Mesh}", with: "kind: MeshService, name: api}")) == [v1])
        #expect(try target(Self.httpRoute("both", Self.rule(Self.version("v1", weight: 3) + ", " + Self.version("v2")))) == [v1, v2])
    }

    @Test(
        "Of a route's rules about every request the first counts, of its entries about a service the last, of equal routes the first by name"
    )
    func order() throws {
        let (v1, v2) = (Self.rule(Self.version("v1")), Self.rule(Self.version("v2"), matches: "{}"))
        func target(_ routes: String) throws -> String? { try self.endpoints(self.zone(Self.east + routes)).first }
        let (toV1, toV2) = (
            "10.1.0.1:10002x1 backend{mesh=default,version=v1} spiffe://default/backend",
            "10.1.0.1:10002x1 backend{mesh=default,version=v2} spiffe://default/backend"
        )
        #expect(try target(Self.httpRoute("a", "\(v2), \(v1)")) == toV2)
        #expect(try target(Self.httpRoute("a", "{matches: [{}], default: {}}, \(v1), \(v2)")) == toV1)
        let twice = Self.httpRoute("a", v1 + "]}, {targetRef: {kind: MeshService, name: backend}, rules: [\(v2)")
        #expect(try target(twice) == toV2)
        #expect(try target(Self.httpRoute("b", v1) + Self.httpRoute("a", v2)) == toV2)
    }
}
