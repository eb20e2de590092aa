import JSONModel
import KubeAPI
import MeshModel
import Planning
import Routing
import TestKit
import Testing

/// The tables of this zone's ingresses, and what they tell other zones.
@Suite("Ingress tables")
struct IngressConfigTests {
    /// A zone `east` with an ingress that the control plane runs.
    private func zone(_ yaml: String = "", meshes: [String] = ["default"]) throws -> TestZone {
        var zone = try TestZone(zone: "east")
        zone.observed.settings.ingress.isEnabled = true
        for mesh in meshes { try zone.addMesh(mesh) }
        try zone.add(yaml)
        zone.settle()
        try zone.addEgressPod(1)
        try zone.addPod(.ingress, 1, of: "ingress")
        return zone
    }

    private func services(_ zone: TestZone, _ name: String = "ingress") -> [String] {
        (zone.object(.zoneIngresses, name)?.spec["availableServices"]?.array ?? []).map(\.text)
    }

    private static let bound = Fixture.httpbin.replacing("kuma.io/service: httpbin", with: "kuma.io/service: httpbin, kuma.io/zone: east")

    @Test("Workloads of two meshes, subsets, and an external service of the zone, golden")
    func mixed() throws {
        var zone = try self.zone(Self.bound, meshes: ["default", "payments"])
        try zone.addWorkload("backend", ip: "10.3.0.1", tags: ", version: v1")
        try zone.addWorkload("backend-2", ip: "10.3.0.2", tags: ", version: v2")
        zone.change(.dataplanes, "backend-2-0", in: "demo") {
            $0.json.set(
                ["spec", "networking", "inbound"], to: [["port": 80, "tags": ["kuma.io/service": "backend_demo_svc_80", "version": "v2"]]])
        }
        zone.change(.services, "backend", in: "demo") { $0.json.set(["spec", "selector"], to: ["team": "backend"]) }
        for name in ["backend-0", "backend-2-0"] {
            zone.change(.pods, name, in: "demo") { $0.json.set(["metadata", "labels"], to: ["app": "x", "team": "backend"]) }
        }
        try zone.addWorkload("ledger", ip: "10.3.0.3", mesh: "payments")
        let table = try #require(zone.settle().ingressConfig())
        expectGolden(table.golden, "ingress.json")
        expectGolden(self.services(zone).joined(separator: "\n") + "\n", "available-services.json")
        #expect(table.listeners.map(\.address) == ["10.1.1.1"] && table.listeners.map(\.port) == [10001])
        // It ends no TLS, so it has neither identity nor trust.
        #expect(table.identities.isEmpty && table.trust.isEmpty)
    }

    @Test("What one zone offers is what another asks for, by the same server names")
    func sameNames() throws {
        var east = try self.zone(Self.bound)
        try east.addWorkload("backend", ip: "10.3.0.1", tags: ", version: v1")
        let offered = try #require(east.settle().ingressConfig())
        var west = try TestZone(zone: "west")
        try west.addMesh()
        try west.add(Self.bound)
        var ingress = try #require(east.object(.zoneIngresses, "ingress"))
        ingress.metadata.json["name"] = "east"
        ingress.metadata.json["managedFields"] = nil
        ingress.json.set(["spec", "networking"], to: ["advertisedAddress": "10.2.0.1", "advertisedPort": 10001])
        west.store(ingress)
        west.settle()
        try west.addEgressPod(1)
        let asked = try #require(west.settle().egressConfig())
        #expect(asked.serverNames.sorted() == offered.serverNames.sorted() && asked.serverNames.count == 4)
        #expect(asked.cluster("default:httpbin")?.addresses == ["10.2.0.1:10001x1"])
        #expect(offered.cluster("default:httpbin")?.addresses == ["10.1.0.1:10002x1"])
    }

    @Test("Outbounds of other zones may name any of up to four tags of a service; of more, one or all")
    func someTags() throws {
        func asked(_ tags: String) throws -> [String] {
            var zone = try self.zone()
            try zone.addWorkload("backend", ip: "10.3.0.1", tags: tags)
            let names = try #require(zone.settle().ingressConfig()).serverNames.filter { !$0.hasSuffix(".ms") }
            return names.map { $0.replacing("backend_demo_svc_80", with: "") }.sorted()
        }
        #expect(
            try asked(", version: v1, team: a, zoo: z") == [
                "{mesh=default,team=a,version=v1,zoo=z}", "{mesh=default,team=a,version=v1}", "{mesh=default,team=a,zoo=z}",
                "{mesh=default,team=a}", "{mesh=default,version=v1,zoo=z}", "{mesh=default,version=v1}", "{mesh=default,zoo=z}",
                "{mesh=default}",
            ])
        #expect(try asked(", a: x, b: x, c: x, d: x").count == 16)
        #expect(try asked(", a: x, b: x, c: x, d: x, e: x").count == 7)
    }

    @Test("What a permissive mesh takes as plain bytes does not come from other zones")
    func permissive() throws {
        var zone = try self.zone()
        try zone.addWorkload("backend", ip: "10.3.0.1")
        func ofMesh() -> [Bool?] {
            guard case .sni(let routes)? = zone.settle().ingressConfig()?.listeners.first?.kind else { return [] }
            return routes.map(\.ofMesh)
        }
        #expect(ofMesh() == [nil])
        zone.change(.meshes, "default") {
            $0.json.set(["spec", "mtls", "backends"], to: [["name": "ca-1", "type": "builtin", "mode": "PERMISSIVE"]])
        }
        #expect(ofMesh() == [true])
    }

    @Test("An ingress with nothing to offer still listens, and says so")
    func empty() throws {
        var zone = try self.zone()
        let table = try #require(zone.settle().ingressConfig())
        #expect(table.listeners == [Listener(name: "ingress", address: "10.1.1.1", port: 10001, kind: .sni(routes: []))])
        #expect(self.services(zone).isEmpty)
    }

    @Test("Only ready inbounds of meshes with mTLS count, and only external services bound to this zone")
    func whatCounts() throws {
        var zone = try self.zone(
            Fixture.httpbin + Self.bound.replacing("name: httpbin,", with: "name: west,").replacing("east", with: "west") + """
                ---
                {apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: plain}, spec: {}}
                """)
        try zone.addWorkload("ready", ip: "10.3.0.1")
        try zone.addWorkload("unwell", ip: "10.3.0.2", inbound: ", health: {ready: false}")
        try zone.addWorkload("starting", ip: "10.3.0.3")
        zone.change(.pods, "starting-0", in: "demo") { $0.json.set(["status", "conditions"], to: [["type": "Ready", "status": "False"]]) }
        try zone.addWorkload("plain", ip: "10.3.0.4", mesh: "plain")
        let table = try #require(zone.settle().ingressConfig())
        #expect(table.clusters.map(\.name) == ["default:ready_demo_svc_80"])
        #expect(self.services(zone).count == 1)

        zone.change(.pods, "starting-0", in: "demo") { $0.json.set(["status", "conditions"], to: [["type": "Ready", "status": "True"]]) }
        zone.settle()
        #expect(self.services(zone).count == 2)
    }

    @Test("Without a ready egress the zone's external services have no endpoint, and are offered still")
    func noEgress() throws {
        var zone = try self.zone(Self.bound)
        zone.remove(.pods, ObjectKey(namespace: "kuma-system", name: "egret-egress-abc-1"))
        #expect(zone.settle().ingressConfig()?.cluster("default:httpbin")?.endpoints == [])
        #expect(self.services(zone).count == 1)
    }

    @Test("What a mesh's TrafficRoutes lead to is all that can be asked for")
    func routes() throws {
        var zone = try self.zone(
            """
            apiVersion: kuma.io/v1alpha1
            kind: TrafficRoute
            mesh: default
            metadata: {name: v2}
            spec:
              sources: [{match: {kuma.io/service: "*"}}]
              destinations: [{match: {kuma.io/service: "*"}}]
              conf: {destination: {kuma.io/service: backend_demo_svc_80, version: v2}}
            """)
        try zone.addWorkload("backend", ip: "10.3.0.1", tags: ", version: v2")
        #expect(zone.settle().ingressConfig()?.serverNames == ["backend_demo_svc_80{mesh=default,version=v2}"])
    }

    @Test("An external service that this zone serves itself is not fetched from another that serves it too")
    func servedHere() throws {
        var zone = try self.zone(
            Self.bound
                + Fixture.ingress(
                    "west", zone: "west", address: "10.2.0.9",
                    "{tags: {kuma.io/service: httpbin, kuma.io/zone: west}, instances: 1, mesh: default, externalService: true}"))
        let table = try #require(zone.settle().egressConfig())
        #expect(table.serverNames == ["httpbin{mesh=default}"] && table.callers(of: "httpbin{mesh=default}") != nil)
        #expect(table.clusters.map(\.name) == ["default:httpbin"])
    }

    @Test("A world at rest is not written again, whatever order its pods come in")
    func rest() throws {
        var zone = try self.zone(Self.bound)
        for number in 1...5 { try zone.addWorkload("web\(number)", ip: "10.3.0.\(number)") }
        zone.settle()
        let before = zone.object(.zoneIngresses, "ingress")
        zone.observed.memory = PlanMemory()
        for _ in 0..<3 { #expect(zone.plan().applies.isEmpty) }
        #expect(zone.object(.zoneIngresses, "ingress") == before)
    }

    @Test("An ingress that nothing serves offers nothing, so that other zones leave it: offline, stopping, without a ready pod")
    func notServed() throws {
        var zone = try self.zone()
        try zone.add(
            """
            {apiVersion: kuma.io/v1alpha1, kind: ZoneIngress, metadata: {name: vm}, spec: {networking: {address: 192.168.0.1, port: 10001, advertisedAddress: 203.0.113.1, advertisedPort: 443}}}
            """)
        try zone.addWorkload("web", ip: "10.3.0.1")
        func counts() -> [Int] {
            zone.settle()
            return [self.services(zone).count, self.services(zone, "vm").count]
        }
        #expect(counts() == [1, 0])
        zone.observed.online = [ProxyID(.ingress, "vm")]
        #expect(counts() == [1, 1])
        // What is online has not said that it stops.
        zone.observed.online = []
        #expect(counts() == [1, 0])
        zone.change(.pods, "egret-ingress-abc-1") { $0.json.set(["metadata", "deletionTimestamp"], to: "2026-01-01T00:00:00Z") }
        #expect(counts() == [0, 0])
    }

    @Test("Every ingress of the zone tells it; those of other zones are left alone")
    func others() throws {
        var zone = try self.zone(
            Fixture.ingress("west", zone: "west", address: "10.2.0.9", "{tags: {kuma.io/service: far}, mesh: default}"))
        try zone.add(
            """
            {apiVersion: kuma.io/v1alpha1, kind: ZoneIngress, metadata: {name: vm}, spec: {networking: {address: 192.168.0.1, port: 10001, advertisedAddress: 203.0.113.1, advertisedPort: 443}}}
            """)
        try zone.addWorkload("web", ip: "10.3.0.1")
        zone.observed.online = [ProxyID(.ingress, "vm")]
        let west = zone.object(.zoneIngresses, "west")?.spec
        zone.settle()
        #expect(self.services(zone) == self.services(zone, "vm") && self.services(zone).count == 1)
        #expect(zone.object(.zoneIngresses, "vm")?.spec["zone"] == "east")
        #expect(zone.object(.zoneIngresses, "vm")?.spec.at("networking", "advertisedAddress") == "203.0.113.1")
        #expect(zone.object(.zoneIngresses, "west")?.spec == west)
        #expect(Planner.plan(zone.observed).configs[ProxyID(.ingress, "vm")]?.listeners.map(\.address) == ["192.168.0.1"])
        #expect(Planner.plan(zone.observed).configs[ProxyID(.ingress, "west")] == nil)
    }
}
