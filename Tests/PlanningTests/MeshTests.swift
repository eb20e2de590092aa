import Foundation
import JSONModel
import KubeAPI
import MeshModel
import Planning
import Routing
import Testing

@Suite("Meshes")
struct MeshTests {
    @Test("A stored mesh with zoneEgress and no mTLS is not accepted, and nothing of it is served")
    func mtlsRequired() throws {
        var zone = try TestZone(
            objects: "{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: default}, spec: {routing: {zoneEgress: true}}}")
        zone.settle()
        try zone.addEgressPod(1)
        let plan = zone.settle()
        #expect(zone.condition(.meshes, "default", "Accepted") == "False MTLSRequired")
        #expect(zone.condition(.meshes, "default") == "False MTLSRequired")
        #expect(zone.message(.meshes, "default").hasPrefix("mtls: has to be set when zoneEgress enabled"))
        #expect(plan.egressConfig()?.trust.isEmpty == true)
        #expect(plan.authorities.isEmpty)
    }

    @Test("A builtin authority is asked for once, and never over what exists")
    func authorities() throws {
        var zone = try TestZone(
            objects: """
                apiVersion: kuma.io/v1alpha1
                kind: Mesh
                metadata: {name: default}
                spec:
                  mtls:
                    enabledBackend: ca-1
                    backends: [{name: ca-1, type: builtin, conf: {caCert: {RSAbits: 4096, expiration: 1y}}}]
                """)
        let request = try #require(zone.settle().authorities.first)
        #expect(request.mesh == .default && request.backend == "ca-1" && request.rsaBits == 4096)
        #expect(request.life == .seconds(365 * 86_400))
        #expect(zone.condition(.meshes, "default") == "False AuthorityPending")
        try zone.addAuthority("default")
        #expect(zone.settle().authorities.isEmpty)
        #expect(zone.condition(.meshes, "default") == "True Ready")
    }

    @Test("An authority that cannot sign is said on its mesh")
    func unusableAuthority() throws {
        var zone = try TestZone()
        try zone.addMesh()
        zone.observed.trust = [:]
        zone.observed.authorityProblems[.default] = "certificate and key do not belong together"
        zone.settle()
        #expect(zone.condition(.meshes, "default") == "False AuthorityUnusable")
    }

    @Test("A mesh that uses the egress is ready when one is, and says otherwise that traffic fails closed")
    func egress() throws {
        var zone = try TestZone(egressEnabled: false)
        try zone.addMesh()
        zone.settle()
        #expect(zone.condition(.meshes, "default") == "False NoReadyEndpoints")
        #expect(zone.message(.meshes, "default").contains("fails (closed, never around)"))
        #expect(zone.message(.meshes, "default").contains("Next: helm upgrade with kuma.egress.enabled=true"))
        zone.observed.settings.egress.isEnabled = true
        zone.settle()
        #expect(zone.condition(.meshes, "default") == "False NoReadyEndpoints")
        try zone.addEgressPod(1, ready: false)
        zone.settle()
        #expect(zone.condition(.meshes, "default") == "False NoReadyEndpoints")
        try zone.addEgressPod(1)
        zone.settle()
        #expect(zone.condition(.meshes, "default") == "True Ready")
    }

    @Test("A pod that is on its way out is no endpoint and keeps its table")
    func terminating() throws {
        var zone = try TestZone()
        try zone.addMesh()
        zone.settle()
        try zone.addEgressPod(1)
        zone.settle()
        zone.change(.pods, "egret-egress-abc-1") { $0.json.set(["metadata", "deletionTimestamp"], to: "2026-01-01T00:00:00Z") }
        let plan = zone.settle()
        #expect(zone.condition(.meshes, "default") == "False NoReadyEndpoints")
        #expect(plan.egressConfig() != nil)
    }

    @Test("Ignored fields in use are named")
    func ignored() throws {
        var zone = try TestZone(
            objects: """
                apiVersion: kuma.io/v1alpha1
                kind: Mesh
                metadata: {name: default}
                spec: {tracing: {defaultBackend: z}, routing: {egressMode: Report}}
                """)
        zone.settle()
        #expect(
            zone.message(.meshes, "default", "Accepted")
                == "The spec is valid. Accepted and not acted on: routing.egressMode, tracing.")
    }

    @Test("A condition's time moves when its status does, and only then")
    func transitions() throws {
        var zone = try TestZone(egressEnabled: false)
        try zone.addMesh()
        zone.settle()
        let first = zone.object(.meshes, "default")?.conditions["Ready"]?.lastTransitionTime
        zone.observed.now += 60
        zone.change(.meshes, "default") { $0.json.set(["spec", "tracing", "defaultBackend"], to: "z") }
        zone.settle()
        #expect(zone.object(.meshes, "default")?.conditions["Ready"]?.lastTransitionTime == first)
        zone.change(.meshes, "default") { $0.json.set(["spec", "routing", "zoneEgress"], to: false) }
        zone.settle()
        #expect(zone.object(.meshes, "default")?.conditions["Ready"]?.lastTransitionTime == zone.observed.now)
    }

    @Test("Log and events hear of verdicts once, not of wording")
    func news() throws {
        var zone = try TestZone()
        try zone.addMesh()
        let first = zone.plan().statuses.first { $0.object.kind == "Mesh" }
        #expect(first?.news.map(\.reason) == [.noReadyEndpoints])
        zone.settle()
        try zone.addEgressPod(1)
        let better = zone.plan().statuses.first { $0.object.kind == "Mesh" }
        #expect(better?.news.map(\.reason) == [.ready])
        zone.settle()
        try zone.addEgressPod(2)
        let count = zone.plan().statuses.first { $0.object.kind == "Mesh" }
        #expect(count?.news == [])
    }
}
