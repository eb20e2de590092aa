import KubeAPI
import MeshModel
import Planning
import Routing
import TestKit
import Testing

/// Where routes send connections, and what they let the egress know of.
@Suite("Routes")
struct RouteTests {
    static func trafficRoute(_ name: String, source: String = "'*'", destination: String, _ conf: String, created: String = "")
        -> String
    {
        """
        ---
        apiVersion: kuma.io/v1alpha1
        kind: TrafficRoute
        mesh: default
        metadata: {name: \(name), creationTimestamp: "\(created)"}
        spec:
          sources: [{match: {kuma.io/service: \(source)}}]
          destinations: [{match: {kuma.io/service: \(destination)}}]
          conf: {\(conf)}

        """
    }

    static func tcpRoute(_ name: String, target: String = "kind: Mesh", to: String, _ backends: String) -> String {
        """
        ---
        apiVersion: kuma.io/v1alpha1
        kind: MeshTCPRoute
        metadata: {name: \(name), namespace: kuma-system}
        spec:
          targetRef: {\(target)}
          to: [{targetRef: {\(to)}, rules: [{default: {backendRefs: [\(backends)]}}]}]

        """
    }

    static let east = Fixture.ingress(
        "east", zone: "east", address: "10.2.0.1",
        "{tags: {kuma.io/service: backend, version: v1}, instances: 2, mesh: default}, {tags: {kuma.io/service: backend, version: v2}, instances: 1, mesh: default}, {tags: {kuma.io/service: db}, instances: 1, mesh: default}"
    )

    /// Two versions of an external service.
    static let versions =
        Fixture.httpbin.replacing("kuma.io/service: httpbin", with: "kuma.io/service: httpbin, version: v1")
        + Fixture.httpbin.replacing("kuma.io/service: httpbin", with: "kuma.io/service: httpbin, version: v2")
        .replacing("name: httpbin,", with: "name: httpbin-2,").replacing("httpbin.org:80", with: "10.8.0.1:80")

    func zone(
        _ yaml: String, outbounds: String = "{port: 1000, tags: {kuma.io/service: backend}}", zoneEgress: Bool = true
    ) throws -> TestZone {
        var zone = try TestZone()
        try zone.addMesh(zoneEgress: zoneEgress)
        try zone.add(yaml)
        try zone.addWorkload("web", ip: "10.3.0.1", outbounds: outbounds)
        zone.settle()
        try zone.addEgressPod(1)
        zone.settle()
        return zone
    }

    func names(_ zone: TestZone) throws -> [String] {
        var zone = zone
        return try #require(zone.settle().egressConfig()).serverNames
    }

    /// `address:port x weight → server name` of the endpoints of the workload's only outbound.
    func endpoints(_ zone: TestZone) throws -> [String] {
        var zone = zone
        let config = try #require(zone.settle().dataplaneConfig("web"))
        let cluster = try #require(config.clusters.first)
        return cluster.endpoints.map { endpoint in
            let name = if case .mesh(_, let sni, let peer) = cluster.tls(of: endpoint) { "\(sni) \(peer)" } else { "plain" }
            return "\(endpoint.address):\(endpoint.port)x\(endpoint.weight) \(name)"
        }
    }

    // MARK: What the egress knows

    @Test("Without a route every service has a name, and each version one of its own")
    func defaults() throws {
        #expect(
            try self.names(self.zone(Self.east)) == [
                "backend{mesh=default}", "backend{mesh=default,version=v1}", "backend{mesh=default,version=v2}", "db{mesh=default}",
            ])
    }

    @Test("With routes and none for everything, only what they lead to has a name, golden")
    func routedOnly() throws {
        var zone = try self.zone(
            Self.east + Fixture.httpbin
                + Self.trafficRoute("one", destination: "backend", "destination: {kuma.io/service: backend, version: v1}"))
        expectGolden(try #require(zone.settle().egressConfig()).golden, "egress-route-without-match-all.json")
        #expect(try self.names(zone) == ["backend{mesh=default,version=v1}"])
    }

    @Test("A route for everything names whole services; http rules name where they lead")
    func routeAll() throws {
        let all = Self.trafficRoute(
            "all", destination: "'*'",
            "destination: {kuma.io/service: '*'}, http: [{match: {path: {prefix: /a}}, destination: {kuma.io/service: '*', version: v2}}]")
        let zone = try self.zone(Self.east + all)
        #expect(try self.names(zone) == ["backend{mesh=default}", "backend{mesh=default,version=v2}", "db{mesh=default}"])
        #expect(
            zone.message(.trafficRoutes, "all", "Accepted") == "The spec is valid. Accepted and not acted on: conf.http.")
        #expect(zone.condition(.trafficRoutes, "all") == "True Ready")
    }

    /// Both kinds make the same tables.
    @Test("Subsets of services in other zones that a route asks for, golden", arguments: ["MeshTCPRoute", "MeshHTTPRoute"])
    func internalSubsets(kind: String) throws {
        let backends =
            "{kind: MeshServiceSubset, name: backend, tags: {region: eu}, weight: 90}, {kind: MeshServiceSubset, name: backend, tags: {version: v2}, weight: 10}"
        let route =
            kind == "MeshTCPRoute"
            ? Self.tcpRoute("canary", to: "kind: MeshService, name: backend", backends) : Self.httpRoute("canary", Self.rule(backends))
        var zone = try self.zone(Self.east.replacing("version: v1}", with: "version: v1, region: eu}") + route)
        let plan = zone.settle()
        expectGolden(try #require(plan.egressConfig()).golden, "egress-route-subsets.json")
        expectGolden(try #require(plan.dataplaneConfig("web")).golden, "dataplane-route-subsets.json")
        #expect(try self.names(zone).contains("backend{mesh=default,region=eu}"))
    }

    @Test("Subsets of external services, golden")
    func externalSubsets() throws {
        var zone = try self.zone(
            Self.versions + Fixture.allowAll
                + Self.trafficRoute(
                    "canary", destination: "httpbin",
                    "split: [{weight: 3, destination: {kuma.io/service: httpbin, version: v1}}, {weight: 1, destination: {kuma.io/service: httpbin, version: v2}}]"
                ),
            outbounds: "{port: 1000, tags: {kuma.io/service: httpbin}}")
        expectGolden(try #require(zone.settle().egressConfig()).golden, "egress-route-external-subsets.json")
        #expect(
            try self.endpoints(zone) == [
                "10.1.0.1:10002x3 httpbin{mesh=default,version=v1} spiffe://default/zone-egress",
                "10.1.0.1:10002x1 httpbin{mesh=default,version=v2} spiffe://default/zone-egress",
            ])
    }

    // MARK: Where connections go

    @Test("What a route leaves open is as the outbound has it")
    func wildcards() throws {
        let route = Self.trafficRoute("all", destination: "'*'", "destination: {kuma.io/service: '*'}")
        let outbounds = "{port: 1000, tags: {kuma.io/service: backend, version: v2}}"
        #expect(
            try self.endpoints(self.zone(Self.east + route, outbounds: outbounds))
                == ["10.1.0.1:10002x1 backend{mesh=default,version=v2} spiffe://default/backend"])
        let other = Self.trafficRoute("all", destination: "'*'", "destination: {kuma.io/service: db, version: '*'}")
        #expect(
            try self.endpoints(self.zone(Self.east + other))
                == ["10.1.0.1:10002x1 db{mesh=default} spiffe://default/db"])
    }

    @Test("A mesh with TrafficRoutes sends nothing that none of them is about, and the dataplane says so")
    func nowhere() throws {
        let zone = try self.zone(Self.east + Self.trafficRoute("other", destination: "db", "destination: {kuma.io/service: db}"))
        #expect(try self.endpoints(zone) == [])
        #expect(zone.condition(.dataplanes, "web-0", in: "demo") == "False NoReadyEndpoints")
        #expect(zone.message(.dataplanes, "web-0", in: "demo").contains("has TrafficRoutes and none of them is about it"))
    }

    @Test("The route that says most about source and destination wins, then the newest")
    func specificity() throws {
        func target(_ routes: String) throws -> String {
            try self.endpoints(self.zone(Self.east + routes)).first?.split(separator: " ").dropFirst().first.map(String.init) ?? "none"
        }
        func to(_ version: String) -> String { "destination: {kuma.io/service: backend, version: \(version)}" }
        let all = Self.trafficRoute("all", destination: "'*'", to("v1"))
        #expect(try target(all) == "backend{mesh=default,version=v1}")
        #expect(try target(all + Self.trafficRoute("backend", destination: "backend", to("v2"))) == "backend{mesh=default,version=v2}")
        #expect(
            try target(all + Self.trafficRoute("web", source: "web_demo_svc_80", destination: "'*'", to("v2")))
                == "backend{mesh=default,version=v2}")
        #expect(
            try target(all + Self.trafficRoute("api", source: "api", destination: "backend", to("v2")))
                == "backend{mesh=default,version=v1}")
        let old = Self.trafficRoute("a", destination: "backend", to("v1"), created: "2026-01-01T00:00:00Z")
        let new = Self.trafficRoute("b", destination: "backend", to("v2"), created: "2026-01-02T00:00:00Z")
        #expect(try target(old + new) == "backend{mesh=default,version=v2}")
    }

    @Test("A MeshTCPRoute goes before a TrafficRoute, and one about the service before one about the mesh")
    func newerFirst() throws {
        let older = Self.trafficRoute("all", destination: "'*'", "destination: {kuma.io/service: db}")
        let wide = Self.tcpRoute(
            "wide", to: "kind: MeshService, name: backend", "{kind: MeshServiceSubset, name: backend, tags: {version: v1}}")
        let narrow = Self.tcpRoute(
            "narrow", target: "kind: MeshService, name: web_demo_svc_80", to: "kind: MeshService, name: backend",
            "{kind: MeshServiceSubset, name: backend, tags: {version: v2}}")
        #expect(
            try self.endpoints(self.zone(Self.east + older + wide)) == [
                "10.1.0.1:10002x1 backend{mesh=default,version=v1} spiffe://default/backend"
            ])
        #expect(
            try self.endpoints(self.zone(Self.east + older + wide + narrow))
                == ["10.1.0.1:10002x1 backend{mesh=default,version=v2} spiffe://default/backend"])
        let elsewhere = narrow.replacing("web_demo_svc_80", with: "api")
        #expect(
            try self.endpoints(self.zone(Self.east + older + elsewhere)) == ["10.1.0.1:10002x1 db{mesh=default} spiffe://default/db"])
    }

    @Test("Shares hold however many endpoints each part has, and a part without any leaves its share to the others")
    func shares() throws {
        let route = Self.tcpRoute(
            "canary", to: "kind: MeshService, name: backend",
            "{kind: MeshService, name: api_demo_svc_80, weight: 3}, {kind: MeshService, name: db, weight: 1}, {kind: MeshService, name: gone, weight: 6}, {kind: MeshService, name: idle, weight: 0}"
        )
        var zone = try self.zone(Self.east + route)
        try zone.addWorkload("api", ip: "10.3.0.2")
        try zone.addEgressPod(2)
        try zone.addEgressPod(3)
        // api has 1 endpoint and 3 of 4 shares: 9; db has 3 and one share: 1 each.
        #expect(
            try self.endpoints(zone) == [
                "10.3.0.2:80x9 api_demo_svc_80{mesh=default} spiffe://default/api_demo_svc_80",
                "10.1.0.1:10002x1 db{mesh=default} spiffe://default/db", "10.1.0.2:10002x1 db{mesh=default} spiffe://default/db",
                "10.1.0.3:10002x1 db{mesh=default} spiffe://default/db",
            ])
        zone.settle()
        #expect(
            zone.message(.dataplanes, "web-0", in: "demo").contains(
                "cannot go where a route sends a part of it: gone, whose share the others get"))
    }

    @Test("Mesh TLS, plain bytes and TLS to the outside can be parts of one route")
    func mixed() throws {
        var zone = try self.zone(
            Fixture.httpbin
                + Fixture.httpbin.replacing("name: httpbin,", with: "name: secure,").replacing(
                    "kuma.io/service: httpbin", with: "kuma.io/service: secure"
                ).replacing("\"httpbin.org:80\"", with: "'secure.example:443', tls: {enabled: true}")
                + Self.tcpRoute(
                    "mixed", to: "kind: MeshService, name: backend",
                    "{kind: MeshService, name: api_demo_svc_80}, {kind: MeshService, name: httpbin}, {kind: MeshService, name: secure}"),
            zoneEgress: false)
        try zone.addWorkload("api", ip: "10.3.0.2")
        let config = try #require(zone.settle().dataplaneConfig("web"))
        let cluster = try #require(config.cluster("split:default:backend"))
        #expect(
            cluster.endpoints.map { cluster.tls(of: $0) } == [
                .mesh(mesh: "default", sni: "api_demo_svc_80{mesh=default}", peer: "spiffe://default/api_demo_svc_80"), .none,
                .external(ExternalTLS(serverName: "secure.example")),
            ])
        #expect(
            config.listeners.first { $0.port == 1000 }?.kind
                == .outbound(service: "backend", action: .originate(mesh: "default", cluster: cluster.name)))
        #expect(CompiledConfig(config).errors.isEmpty)
    }

    @Test("A route to a MeshExternalService goes through the egress")
    func meshExternal() throws {
        let service =
            "---\n{apiVersion: kuma.io/v1alpha1, kind: MeshExternalService, metadata: {name: outside, namespace: kuma-system}, spec: {match: {port: 443}, endpoints: [{address: a.b, port: 443}]}}\n"
        let sni = HashSNI(name: "outside", mesh: "default", port: 443, kind: .external).text
        for port in ["", ", port: 443"] {
            let backend = "{kind: MeshExternalService, name: outside\(port)}"
            let to = "kind: MeshService, name: backend"
            for route in [Self.tcpRoute("out", to: to, backend), Self.httpRoute("out", to: to, Self.rule(backend))] {
                #expect(
                    try self.endpoints(self.zone(Self.east + service + route)) == ["10.1.0.1:10002x1 \(sni) spiffe://default/zone-egress"])
            }
        }
        let back = Self.httpRoute("back", to: "kind: MeshExternalService, name: outside", Self.rule("{kind: MeshService, name: db}"))
        let outbounds = "{port: 1000, backendRef: {kind: MeshExternalService, name: outside}}"
        #expect(
            try self.endpoints(self.zone(Self.east + service + back, outbounds: outbounds))
                == ["10.1.0.1:10002x1 db{mesh=default} spiffe://default/db"])
    }

    @Test("Routes that cannot be used say why")
    func statuses() throws {
        let zone = try self.zone(
            Self.trafficRoute("lost", destination: "a", "destination: {kuma.io/service: a}").replacing(
                "mesh: default", with: "mesh: nowhere")
                + Self.tcpRoute("gateway", target: "kind: MeshGateway, name: edge", to: "kind: Mesh", "{kind: MeshService, name: a}")
                + Self.tcpRoute("foreign", to: "kind: MeshService, name: a", "{kind: MeshService, name: a}").replacing(
                    "kuma-system", with: "demo")
                + Self.tcpRoute("fine", to: "kind: MeshService, name: a, sectionName: '80'", "{kind: MeshService, name: a}")
                + Self.httpRoute(
                    "gateway", target: "kind: MeshGateway, name: edge", to: "kind: Mesh", Self.rule("{kind: MeshService, name: a}"))
                + Self.httpRoute("foreign", "").replacing("kuma-system", with: "demo")
                + Self.httpRoute("lost", "").replacing(
                    "namespace: kuma-system", with: "namespace: kuma-system, labels: {kuma.io/mesh: nowhere}")
                + Self.httpRoute("broken", "{matches: [], default: {}}")
                + Self.httpRoute("fine", to: "kind: MeshService, name: a, sectionName: '80'", ""))
        #expect(zone.condition(.trafficRoutes, "lost") == "False MeshNotFound")
        #expect(zone.condition(.meshTCPRoutes, "gateway") == "False Unsupported")
        #expect(zone.condition(.meshTCPRoutes, "foreign", in: "demo") == "False WrongNamespace")
        #expect(zone.condition(.meshTCPRoutes, "fine") == "True Ready")
        #expect(zone.message(.meshTCPRoutes, "fine", "Accepted").hasSuffix("Accepted and not acted on: to[].targetRef.sectionName."))
        #expect(zone.condition(.meshHTTPRoutes, "gateway") == "False Unsupported")
        #expect(zone.condition(.meshHTTPRoutes, "foreign", in: "demo") == "False WrongNamespace")
        #expect(zone.condition(.meshHTTPRoutes, "lost") == "False MeshNotFound")
        #expect(zone.condition(.meshHTTPRoutes, "broken") == "False InvalidSpec")
        #expect(zone.condition(.meshHTTPRoutes, "fine") == "True Ready")
        #expect(zone.message(.meshHTTPRoutes, "fine", "Accepted").hasSuffix("Accepted and not acted on: to[].targetRef.sectionName."))
    }
}
