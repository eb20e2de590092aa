import JSONModel
import KubeAPI
import MeshModel
import Planning
import Routing
import Testing

@Suite("Without Kubernetes")
struct UniversalTests {
    /// Two meshes with a dataplane of one name each, and an egress.
    private func zone() throws -> TestZone {
        var zone = try TestZone(egressEnabled: false)
        zone.observed.home = .universal
        for mesh in ["blue", "green"] {
            try zone.addMesh(mesh)
            try zone.add(
                """
                apiVersion: kuma.io/v1alpha1
                kind: Dataplane
                mesh: \(mesh)
                metadata: {name: web, namespace: \(mesh)}
                spec:
                  networking:
                    address: 10.0.0.\(mesh == "blue" ? 1 : 2)
                    inbound: [{port: 8080, servicePort: 80, tags: {kuma.io/service: web}}]
                    outbound: [{port: 9000, tags: {kuma.io/service: api}}, {port: 9001, tags: {kuma.io/service: web}}]
                ---
                apiVersion: kuma.io/v1alpha1
                kind: ExternalService
                mesh: \(mesh)
                metadata: {name: api, namespace: \(mesh)}
                spec: {tags: {kuma.io/service: api}, networking: {address: "\(mesh).test:443"}}
                """)
        }
        try zone.add(
            "{apiVersion: kuma.io/v1alpha1, kind: ZoneEgress, metadata: {name: zoneegress-1}, spec: {networking: {address: 10.0.0.9, port: 10002}}}"
        )
        return zone
    }

    private let web = (blue: ProxyID(.dataplane, "blue/web"), green: ProxyID(.dataplane, "green/web"))

    @Test("Two meshes may use the same names; each proxy has its own table")
    func names() throws {
        var zone = try self.zone()
        zone.settle()
        let configs = Planner.plan(zone.observed).configs
        #expect(Set(configs.keys) == [self.web.blue, self.web.green, ProxyID(.egress, "zoneegress-1")])
        let blue = try #require(configs[self.web.blue])
        #expect(
            blue.identities == [
                IdentityRequest(mesh: "blue", names: ["spiffe://blue/web", "kuma://kuma.io/service/web", "kuma://kuma.io/zone/default"])
            ])
        #expect(blue.listeners.contains { $0.address == "10.0.0.1" && $0.port == 8080 })
        #expect(configs[self.web.green]?.identities.map(\.mesh) == ["green"])
    }

    @Test("Whoever is connected is an endpoint, and nobody else")
    func online() throws {
        var zone = try self.zone()
        zone.settle()
        func endpoints(_ cluster: String) -> [String] {
            Planner.plan(zone.observed).configs[self.web.blue]?.clusters.first { $0.name == cluster }?.endpoints.map(\.address) ?? [
                "no cluster"
            ]
        }
        #expect(endpoints("blue:web") == [] && endpoints("blue:api") == [])
        zone.observed.online = [self.web.blue, self.web.green, ProxyID(.egress, "zoneegress-1")]
        #expect(endpoints("blue:web") == ["10.0.0.1"] && endpoints("blue:api") == ["10.0.0.9"])
        zone.observed.online = [self.web.green]
        #expect(endpoints("blue:web") == [] && endpoints("blue:api") == [])
    }

    @Test("An inbound's workload is on its machine, at the inbound's port unless another is said")
    func workloads() throws {
        var zone = try self.zone()
        func workloads(_ inbound: String) throws -> [String] {
            try zone.add(
                """
                apiVersion: kuma.io/v1alpha1
                kind: Dataplane
                mesh: blue
                metadata: {name: api, namespace: blue}
                spec: {networking: {address: 10.0.0.7, inbound: [{port: 8080, tags: {kuma.io/service: api}\(inbound)}]}}
                """)
            let config = Planner.plan(zone.observed).configs[ProxyID(.dataplane, "blue/api")]
            return config?.clusters.filter { $0.name.hasPrefix("inbound") }.flatMap(\.addresses) ?? []
        }
        #expect(try workloads("") == ["127.0.0.1:8080x1"])
        #expect(try workloads(", servicePort: 80") == ["127.0.0.1:80x1"])
        #expect(try workloads(", serviceAddress: 10.0.0.8") == ["10.0.0.8:8080x1"])
        #expect(try workloads(", serviceAddress: 10.0.0.7") == [])
        #expect(try workloads(", address: 127.0.0.1") == [])
    }

    @Test("A dataplane has to say where it is")
    func noAddress() throws {
        var zone = try self.zone()
        try zone.add(
            "{apiVersion: kuma.io/v1alpha1, kind: Dataplane, mesh: blue, metadata: {name: lost, namespace: blue}, spec: {networking: {inbound: [{port: 80, tags: {kuma.io/service: lost}}]}}}"
        )
        zone.settle()
        #expect(zone.object(.dataplanes, "lost", in: "blue")?.conditions["Ready"]?.reason == "InvalidSpec")
        #expect(Planner.plan(zone.observed).configs[ProxyID(.dataplane, "blue/lost")] == nil)
    }
}
