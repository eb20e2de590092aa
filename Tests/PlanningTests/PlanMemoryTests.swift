import JSONModel
import KubeAPI
import MeshModel
import Planning
import Routing
import Testing

/// What is remembered from plan to plan changes no plan.
@Suite struct PlanMemoryTests {
    @Test("plans with and without memory are the same through changes, and tables are told before statuses are there")
    func same() throws {
        let memory = PlanMemory()
        func compare(_ zone: TestZone, _ what: Comment) {
            var observed = zone.observed
            let fresh = Planner.plan(observed)
            observed.memory = memory
            for _ in 0..<2 {
                var told: [ProxyID: ProxyConfig] = [:]
                let plan = Planner.plan(observed) { early in
                    told = early.configs
                    #expect(early.statuses.isEmpty)
                }
                #expect(plan.statuses == fresh.statuses, what)
                #expect(plan.configs == fresh.configs, what)
                #expect(plan.applies == fresh.applies, what)
                #expect(told == fresh.configs, what)
            }
        }
        var zone = try TestZone(egressEnabled: false)
        zone.observed.home = .universal
        func readdress(_ address: JSON) {
            zone.observed.objects[.externalServices][ObjectKey(namespace: "blue", name: "api-2")]?
                .spec.set(["networking", "address"], to: address)
        }
        compare(zone, "an empty zone")
        try zone.addMesh("blue")
        for number in 1...3 {
            try zone.add(
                """
                apiVersion: kuma.io/v1alpha1
                kind: ExternalService
                mesh: blue
                metadata: {name: api-\(number), namespace: blue}
                spec: {tags: {kuma.io/service: api-\(number)}, networking: {address: "api.test:44\(number)"}}
                """)
        }
        try zone.add(
            "{apiVersion: kuma.io/v1alpha1, kind: ZoneEgress, metadata: {name: e}, spec: {networking: {address: 10.0.0.9, port: 10002}}}")
        compare(zone, "nothing has a status yet")
        zone.settle()
        compare(zone, "all have theirs")
        readdress("api.test:8443")
        compare(zone, "another address")
        zone.settle()
        readdress("no address")
        compare(zone, "no address")
        zone.observed.acknowledgements = [
            ProxyID(.egress, "e"): Acknowledgement(
                hash: "x", errors: [ItemError(item: "cluster blue:api-1", message: "the certificate is no certificate")])
        ]
        compare(zone, "a proxy cannot use one")
        zone.settle()
        zone.observed.acknowledgements = [:]
        compare(zone, "and can again")
        zone.observed.objects[.externalServices][ObjectKey(namespace: "blue", name: "api-1")] = nil
        zone.observed.objects[.meshes] = [:]
        compare(zone, "the mesh is gone")
    }

    @Test("The hash of a managed egress's table is that of the table there is, remembered or not")
    func hashes() throws {
        let memory = PlanMemory()
        var zone = try TestZone()
        try zone.addMesh()
        zone.settle()
        func hashes(_ zone: TestZone) -> [JSON?] {
            var observed = zone.observed
            return [nil, memory, memory].map { memory in
                observed.memory = memory
                let patch = Planner.plan(observed).statuses.first { $0.type == .zoneEgresses }
                return (patch?.status ?? zone.object(.zoneEgresses, "egress")?.status)?["configHash"]
            }
        }
        var seen: [JSON?] = []
        for step in 0..<3 {
            if step == 1 { try zone.add(Fixture.httpbin) }
            if step == 2 { zone.change(.zoneEgresses, "egress") { $0.spec.set(["networking", "port"], to: 10005) } }
            zone.settle()
            let found = hashes(zone)
            #expect(found[0] != nil && Set(found).count == 1, "\(step)")
            seen.append(found[0])
        }
        #expect(Set(seen).count == 3)
    }
}
