import JSONModel
import KubeAPI
import MeshModel
import Planning
import Routing
import TestKit
import Testing

/// Which zones and instances strategies let connections go to, at the workload's proxy and at the egress.
@Suite("Load balancing strategies")
struct SpreadTests {
    private static let api = "api_demo_svc_80"

    private static func strategy(
        _ name: String, target: String = "kind: Mesh", to: String = "kind: Mesh", _ locality: String
    ) -> String {
        """
        ---
        apiVersion: kuma.io/v1alpha1
        kind: MeshLoadBalancingStrategy
        metadata: {name: \(name), namespace: kuma-system}
        spec:
          targetRef: {\(target)}
          to: [{targetRef: {\(to)}, default: {localityAwareness: {\(locality)}}}]

        """
    }

    private static func failover(_ rules: String, more: String = "") -> String { "crossZone: {failover: [\(rules)]\(more)}" }

    /// Zones north, south and west offer `api`, which is here as well, and `far`, which is not.
    private static let elsewhere = ["north", "south", "west"].enumerated().map { index, zone in
        Fixture.ingress(
            zone, zone: zone, address: "10.\(index + 4).0.1",
            "{tags: {kuma.io/service: \(api)}, instances: 2, mesh: default}, {tags: {kuma.io/service: far}, instances: 1, mesh: default}")
    }.joined()

    private func zone(_ strategies: String, zoneEgress: Bool = true) throws -> TestZone {
        var zone = try TestZone(zone: "here")
        try zone.addMesh(zoneEgress: zoneEgress)
        try zone.add(Self.elsewhere + strategies)
        try zone.addWorkload(
            "web", ip: "10.3.0.1",
            outbounds: "{port: 1001, tags: {kuma.io/service: \(Self.api)}}, {port: 1002, tags: {kuma.io/service: far}}")
        try zone.addWorkload("api", ip: "10.3.0.2")
        zone.settle()
        try zone.addEgressPod(1)
        zone.settle()
        return zone
    }

    /// `address priority weight` of a service's endpoints, and its threshold where there is one.
    private static func text(_ config: ProxyConfig?, _ service: String) -> [String] {
        guard let cluster = config?.cluster("default:\(service)") else { return ["no cluster"] }
        let threshold = cluster.failoverThreshold.map { ["\($0) %"] } ?? []
        return cluster.endpoints.map { "\($0.address) \($0.priority) x\($0.weight)" } + threshold
    }

    private func client(_ zone: TestZone, _ service: String = api) -> [String] { Self.text(zone.plan().dataplaneConfig("web"), service) }
    private func egress(_ zone: TestZone, _ service: String = api) -> [String] { Self.text(zone.plan().egressConfig(), service) }

    // MARK: Zones

    private static let southFirst = failover("{to: {type: Only, zones: [south]}}, {to: {type: Any}}")

    @Test("Own zone first, then as the rules have it: the client goes to the egress, and the egress to one zone after the other, golden")
    func throughEgress() throws {
        let zone = try self.zone(Self.strategy("south-first", Self.southFirst))
        #expect(self.client(zone) == ["10.3.0.2 0 x3", "10.1.0.1 1 x1", "50 %"])
        #expect(self.client(zone, "far") == ["10.1.0.1 0 x1"])
        #expect(self.egress(zone) == ["10.4.0.1 2 x2", "10.5.0.1 1 x2", "10.6.0.1 2 x2", "50 %"])
        expectGolden(try #require(zone.plan().egressConfig()).golden, "egress-strategy.json")
        expectGolden(try #require(zone.plan().dataplaneConfig("web")).golden, "dataplane-strategy.json")
        #expect(zone.condition(.meshLoadBalancingStrategies, "south-first") == "True Ready")
    }

    @Test("Without an egress the client orders the zones itself")
    func direct() throws {
        let zone = try self.zone(Self.strategy("south-first", Self.southFirst), zoneEgress: false)
        #expect(self.client(zone) == ["10.3.0.2 0 x3", "10.4.0.1 2 x2", "10.5.0.1 1 x2", "10.6.0.1 2 x2", "50 %"])
    }

    @Test(
        "The first rule for this zone's callers that names a zone decides about it, and a zone that none names gets nothing",
        arguments: [
            ("{to: {type: Any}}", ["north 1", "south 1", "west 1"]),
            ("{to: {type: AnyExcept, zones: [south]}}", ["north 1", "west 1"]),
            ("{to: {type: None}}, {to: {type: Only, zones: [west, nowhere]}}", ["west 2"]),
            ("{from: {zones: [there]}, to: {type: Any}}, {from: {zones: [here, there]}, to: {type: Only, zones: [north]}}", ["north 2"]),
            (
                "{to: {type: Only, zones: [west]}}, {to: {type: AnyExcept, zones: [north]}}, {to: {type: Any}}",
                ["north 3", "south 2", "west 1"]
            ),
            ("{to: {type: None}}", []),
        ])
    func rules(rules: String, expected: [String]) throws {
        let zone = try self.zone(Self.strategy("rules", Self.failover(rules)))
        let cluster = try #require(zone.plan().egressConfig()?.cluster("default:far"))
        #expect(cluster.endpoints.map { "\($0.locality ?? "") \($0.priority)" } == expected)
    }

    @Test("Without crossZone nothing leaves the zone; without localZone and crossZone the own zone is only preferred")
    func withoutRules() throws {
        let local = try self.zone(Self.strategy("local", "localZone: {}"))
        #expect(self.client(local) == ["10.3.0.2 0 x1"])
        #expect(self.egress(local) == [])
        let preferring = try self.zone(Self.strategy("preferring", "disabled: false"))
        #expect(self.client(preferring) == ["10.3.0.2 0 x3", "10.1.0.1 1 x1"])
        #expect(self.egress(preferring) == ["10.4.0.1 1 x2", "10.5.0.1 1 x2", "10.6.0.1 1 x2"])
    }

    @Test("Disabled makes all zones alike, even in a mesh that prefers the own one; without a word about zones the mesh decides")
    func disabled() throws {
        var zone = try self.zone(Self.strategy("alike", "disabled: true, " + Self.southFirst))
        zone.change(.meshes, "default") { $0.json.set(["spec", "routing", "localityAwareLoadBalancing"], to: true) }
        zone.settle()
        #expect(self.client(zone) == ["10.3.0.2 0 x1", "10.1.0.1 0 x2"])
        #expect(self.egress(zone) == ["10.4.0.1 0 x2", "10.5.0.1 0 x2", "10.6.0.1 0 x2"])
        zone.change(.meshLoadBalancingStrategies, "alike") {
            $0.spec = ["to": [["targetRef": ["kind": "Mesh"], "default": ["loadBalancer": ["type": "RoundRobin"]]]]]
        }
        zone.settle()
        #expect(self.client(zone) == ["10.3.0.2 0 x3", "10.1.0.1 1 x1"])
        zone.change(.meshes, "default") { $0.json.set(["spec", "routing", "localityAwareLoadBalancing"], to: false) }
        zone.settle()
        #expect(self.client(zone) == ["10.3.0.2 0 x1", "10.1.0.1 0 x2"])
    }

    @Test("The threshold is there where connections have somewhere to go on to", arguments: [("70", 70), ("'33.3'", 34), ("100", 100)])
    func threshold(percentage: String, expected: Int) throws {
        let more = ", failoverThreshold: {percentage: \(percentage)}"
        let zone = try self.zone(Self.strategy("t", Self.failover("{to: {type: Only, zones: [south]}}", more: more)))
        #expect(self.client(zone).last == "\(expected) %")
        // One zone, one priority.
        #expect(self.egress(zone) == ["10.5.0.1 1 x2"])
    }

    // MARK: None

    @Test("Where no other zone is permitted the call fails closed, and the Dataplane says which strategy is to blame")
    func closed() throws {
        for zoneEgress in [true, false] {
            let zone = try self.zone(Self.strategy("keep-local", Self.failover("{to: {type: None}}")), zoneEgress: zoneEgress)
            #expect(self.client(zone, "far") == [])
            #expect(self.client(zone) == ["10.3.0.2 0 x1"])
            #expect(zone.condition(.dataplanes, "web-0", in: "demo") == "False NoReadyEndpoints")
            #expect(
                zone.message(.dataplanes, "web-0", in: "demo").hasSuffix(
                    "only other zones offer it (north, south, west), and MeshLoadBalancingStrategy keep-local permits none of them. Next: kubectl get meshloadbalancingstrategies -n kuma-system"
                ))
        }
    }

    @Test("A client gets no egress for what the egress may not fetch for it, and the egress's own refusal names the strategy")
    func closedByEgress() throws {
        let web = Self.strategy("web", target: "kind: MeshService, name: web_demo_svc_80", Self.failover("{to: {type: Any}}"))
        let zone = try self.zone(web + Self.strategy("all", Self.failover("{to: {type: None}}")))
        #expect(self.egress(zone, "far") == [])
        #expect(self.client(zone, "far") == [])
        #expect(zone.message(.dataplanes, "web-0", in: "demo").contains("MeshLoadBalancingStrategy web, all permits none of them"))
        let listener = try #require(zone.plan().egressConfig()?.listeners.first)
        guard case .sni(let routes) = listener.kind else { return }
        #expect(routes.first { $0.sni == ["far{mesh=default}"] }?.origin == "MeshLoadBalancingStrategy/all")
    }

    @Test("An external service that lies in another zone is subject to them, one that the egress serves itself is not")
    func external() throws {
        let far = Fixture.ingress(
            "ext", zone: "south", address: "10.9.0.1",
            "{tags: {kuma.io/service: partner, kuma.io/zone: south}, instances: 1, mesh: default, externalService: true}")
        var zone = try self.zone(far + Fixture.httpbin + Fixture.allowAll + Self.strategy("none", Self.failover("{to: {type: None}}")))
        try zone.addWorkload(
            "web", ip: "10.3.0.1", outbounds: "{port: 1, tags: {kuma.io/service: partner}}, {port: 2, tags: {kuma.io/service: httpbin}}")
        zone.settle()
        #expect(self.client(zone, "partner") == [])
        #expect(self.client(zone, "httpbin") == ["10.1.0.1 0 x1"])
        #expect(self.egress(zone, "httpbin") == ["httpbin.org 0 x1"])
        zone.change(.meshLoadBalancingStrategies, "none") {
            let any: JSON = ["localityAwareness": ["crossZone": ["failover": [["to": ["type": "Any"]]]]]]
            $0.spec = ["to": [["targetRef": ["kind": "Mesh"], "default": any]]]
        }
        zone.settle()
        #expect(self.client(zone, "partner") == ["10.1.0.1 0 x1"])
        #expect(self.egress(zone, "partner") == ["10.9.0.1 1 x1"])
    }

    // MARK: Which counts

    private static func to(_ zone: String) -> String { failover("{to: {type: Only, zones: [\(zone)]}}") }

    @Test("What says more about the caller counts more, then what says more about the service, then the name that sorts first")
    func precedence() throws {
        func reached(_ strategies: String...) throws -> [String] {
            let zone = try self.zone(strategies.joined(), zoneEgress: false)
            return zone.plan().dataplaneConfig("web")?.cluster("default:far")?.endpoints.compactMap(\.locality) ?? []
        }
        let mesh = Self.strategy("m", Self.to("north"))
        let service = Self.strategy("s", to: "kind: MeshService, name: far", Self.to("south"))
        let caller = Self.strategy("z", target: "kind: MeshService, name: web_demo_svc_80", Self.to("west"))
        #expect(try reached(mesh, Self.strategy("o", Self.to("west"))) == ["north"])
        #expect(try reached(mesh, service) == ["south"])
        #expect(try reached(mesh, service, caller) == ["west"])
        #expect(try reached(mesh, Self.strategy("a", to: "kind: MeshService, name: other", Self.to("west"))) == ["north"])
        #expect(try reached(mesh, Self.strategy("a", target: "kind: MeshService, name: other", Self.to("west"))) == ["north"])
        let subset = "kind: MeshSubset, tags: {kuma.io/service: web_demo_svc_80}"
        #expect(try reached(mesh, Self.strategy("x", target: subset, Self.to("west"))) == ["west"])
    }

    @Test("What the first leaves open the next one says, field by field")
    func merging() throws {
        let zone = try self.zone(
            Self.strategy("service", to: "kind: MeshService, name: \(Self.api)", Self.to("south"))
                + Self.strategy(
                    "mesh",
                    "localZone: {}, "
                        + Self.failover("{to: {type: Any}}", more: ", failoverThreshold: {percentage: 90}")), zoneEgress: false)
        #expect(self.client(zone) == ["10.3.0.2 0 x1", "10.5.0.1 1 x2", "90 %"])
    }

    @Test("An egress obeys only what is said about the whole mesh")
    func egressObeysTheMesh() throws {
        let zone = try self.zone(
            Self.strategy("web", target: "kind: MeshService, name: web_demo_svc_80", Self.to("south"))
                + Self.strategy("all", target: "kind: MeshSubset, tags: {}", Self.to("north")))
        #expect(self.egress(zone) == ["10.4.0.1 0 x2", "10.5.0.1 0 x2", "10.6.0.1 0 x2"])
        #expect(self.client(zone) == ["10.3.0.2 0 x1", "10.1.0.1 1 x1", "50 %"])
    }

    @Test("An ingress is not touched by them")
    func ingress() throws {
        func table(_ strategies: String) throws -> ProxyConfig {
            var zone = try self.zone(strategies)
            zone.observed.settings.ingress.isEnabled = true
            zone.settle()
            try zone.addPod(.ingress, 1, of: "ingress")
            return try #require(zone.settle().ingressConfig())
        }
        let plain = try table("")
        #expect(plain.cluster("default:\(Self.api)")?.endpoints.isEmpty == false)
        let strategy = Self.strategy("none", "localZone: {affinityTags: [{key: node}]}, " + Self.failover("{to: {type: None}}"))
        #expect(try table(strategy) == plain)
    }

    // MARK: Affinity

    /// Three instances, the caller on node a in rack 1.
    private func affine(_ tags: String, callerTags: String = ", node: a, rack: '1'") throws -> [String] {
        var zone = try self.zone(Self.strategy("near", "localZone: {affinityTags: [\(tags)]}"))
        try zone.addWorkload(
            "web", ip: "10.3.0.1", outbounds: "{port: 1001, tags: {kuma.io/service: \(Self.api)}}", tags: callerTags)
        try zone.addWorkload("api", ip: "10.3.0.2", tags: ", node: a, rack: '1'")
        for (number, tags) in [(1, ", node: b, rack: '1'"), (2, ", node: c, rack: '1'"), (3, ", node: d, rack: '2'")] {
            var more = try TestZone()
            try more.addWorkload("api", ip: "10.3.1.\(number)", tags: tags)
            for (type, name) in [(ResourceType.pods, "api-0"), (.dataplanes, "api-0")] {
                guard var object = more.object(type, name, in: "demo") else { continue }
                object.metadata.name = "api-\(number)"
                object.metadata.uid = ""
                zone.store(object)
            }
        }
        zone.settle()
        return self.client(zone)
    }

    @Test("Instances that share a tag with the caller have its part of the connections, however many they are")
    func affinity() throws {
        // 900 : 90 : 1 for one, two and one of them, of nothing in particular.
        #expect(
            try self.affine("{key: node}, {key: rack}")
                == ["10.3.0.2 0 x180", "10.3.1.1 0 x9", "10.3.1.2 0 x9", "10.3.1.3 0 x2"])
        #expect(
            try self.affine("{key: rack, weight: 6}, {key: node, weight: 4}")
                == ["10.3.0.2 0 x2", "10.3.1.1 0 x2", "10.3.1.2 0 x2", "10.3.1.3 0 x1"])
    }

    @Test("A tag that the caller does not have says nothing")
    func affinityWithoutTag() throws {
        #expect(
            try self.affine("{key: rack}, {key: node}", callerTags: "")
                == ["10.3.0.2 0 x1", "10.3.1.1 0 x1", "10.3.1.2 0 x1", "10.3.1.3 0 x1"])
    }

    // MARK: Parts and statuses

    @Test("Parts of a route keep a threshold that all of them have")
    func parts() throws {
        let route = """
            ---
            apiVersion: kuma.io/v1alpha1
            kind: MeshTCPRoute
            metadata: {name: parts, namespace: kuma-system}
            spec:
              to:
              - targetRef: {kind: MeshService, name: \(Self.api)}
                rules: [{default: {backendRefs: [{kind: MeshService, name: \(Self.api)}, {kind: MeshService, name: far}]}}]

            """
        func threshold(_ strategy: String) throws -> Int? {
            let config = try self.zone(route + strategy, zoneEgress: false).plan().dataplaneConfig("web")
            return try #require(config?.cluster("split:default:\(Self.api)")).failoverThreshold
        }
        #expect(try threshold(Self.strategy("both", Self.southFirst)) == 50)
        #expect(try threshold(Self.strategy("one", to: "kind: MeshService, name: far", Self.southFirst)) == nil)
    }

    @Test("Strategies that cannot be used say why, and do nothing")
    func statuses() throws {
        let none = Self.failover("{to: {type: None}}")
        let hash = Self.strategy("hash", "disabled: false").replacing("default: {", with: "default: {loadBalancer: {type: Maglev}, ")
        let zone = try self.zone(
            Self.strategy("gateway", target: "kind: MeshGateway, name: edge", none)
                + Self.strategy("foreign", none).replacing("kuma-system", with: "demo")
                + Self.strategy("lost", none).replacing("kuma-system}", with: "kuma-system, labels: {kuma.io/mesh: nowhere}}")
                + Self.strategy("broken", Self.failover("{to: {type: Only}}")) + hash)
        #expect(zone.condition(.meshLoadBalancingStrategies, "gateway") == "False Unsupported")
        #expect(zone.condition(.meshLoadBalancingStrategies, "foreign", in: "demo") == "False WrongNamespace")
        #expect(zone.condition(.meshLoadBalancingStrategies, "lost") == "False MeshNotFound")
        #expect(zone.condition(.meshLoadBalancingStrategies, "broken") == "False InvalidSpec")
        #expect(
            zone.message(.meshLoadBalancingStrategies, "hash", "Accepted")
                == "The spec is valid. Accepted and not acted on: to[].default.loadBalancer of type Maglev.")
        #expect(self.client(zone, "far") == ["10.1.0.1 0 x1"])
    }
}
