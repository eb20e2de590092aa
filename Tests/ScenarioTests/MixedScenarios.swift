import Foundation
import JSONModel
import TestKit
import Testing

extension Scenarios {
    @Suite("A cluster beside a zone without Kubernetes")
    struct Mixed {
        @Test("Workloads of a cluster and of a zone without Kubernetes call each other, and what only the other's egress reaches")
        func story() async throws {
            let greeters = try Greeters()
            try await Cluster.with { cluster in
                let global = ControlPlaneProcess("global", folder: cluster.directory, address: Loopback.global, ["--role", "global"])
                try await global.run { _ in
                    try await global.apply(Self.resources(greeters))
                    try await UniversalZone.with(name: "zone-2", under: global) { zone in
                        try await Self.start(cluster, global, greeters)
                        try await Self.start(zone, greeters) {
                            do { try await Self.calls(cluster, zone) } catch {
                                print(try await cluster.operatorLog(), global.log)
                                throw error
                            }
                        }
                    }
                }
            }
        }

        /// Who is called, behind the proxy of a workload or outside of the mesh.
        private struct Greeters {
            let (web, backend): (Greeter, Greeter)
            let (clusters, zones): (Greeter, Greeter)

            init() throws {
                func greeter(_ name: String) throws -> Greeter { try Greeter(name, address: Greeters.address) }
                (self.web, self.backend) = (try greeter("web"), try greeter("backend"))
                (self.clusters, self.zones) = (try greeter("the partner of the cluster"), try greeter("the partner of zone-2"))
            }

            static let address = "127.0.8.1"
        }

        private static func start(_ cluster: Cluster, _ global: ControlPlaneProcess, _ greeters: Greeters) async throws {
            try await cluster.install(
                """
                kuma:
                  egress: {enabled: true}
                  ingress: {enabled: true}
                  controlPlane: {zone: cluster, globalAddress: "https://\(Loopback.global):5685"}
                """)
            let token = try await global.zoneToken("cluster")
            try await cluster.kubectl(
                "-n", Cluster.system, "create", "secret", "generic", "egret-global-token", "--from-file=token=\(token)")
            try await cluster.waitForEgress()
            let ingress = try await eventually("there is a pod of the ingress") { try await cluster.ingressPods().first }
            // Nobody balances load here: the other zone reaches the pod itself.
            try await cluster.kubectl(
                "-n", Cluster.system, "annotate", "zoneingress", "ingress", "kuma.io/ingress-public-address=\(ingress.address)",
                "kuma.io/ingress-public-port=10001")
            try await cluster.prepareWorkloads()
            try await cluster.apply(
                Manifests.pod(
                    "web",
                    annotations: [
                        "kuma.io/sidecar-injected": "true", "egret.io/workloads": "8080=\(Greeters.address):\(greeters.web.port)",
                        "egret.io/outbounds": "\(Loopback.client):10080=backend \(Loopback.client):10081=partner-of-zone-2",
                    ]))
        }

        private static func start(_ zone: UniversalZone, _ greeters: Greeters, _ body: @Sendable () async throws -> Void) async throws {
            try await eventually("the mesh is in the zone") { try await zone.egretctl("get", "meshes").contains("default") ? true : nil }
            try await zone.withEgress { _ in
                try await zone.withIngress { _ in
                    try await zone.withDataplane(
                        "backend", inbound: "port: 8080, servicePort: \(greeters.backend.port), serviceAddress: \(Greeters.address)",
                        outbounds: [
                            "port: 10080, tags: {kuma.io/service: web_demo_svc_8080}",
                            "port: 10081, tags: {kuma.io/service: partner-of-cluster}",
                        ]
                    ) { _ in try await body() }
                }
            }
        }

        private static func calls(_ cluster: Cluster, _ zone: UniversalZone) async throws {
            func all(fromCluster: Bool = true, clustersEgress: Bool = true) async throws {
                try await Greeter.waitUntil(Loopback.client, hears: fromCluster ? "backend heard ping" : nil)
                try await Greeter.waitUntil(Loopback.client, port: 10081, hears: fromCluster ? "the partner of zone-2 heard ping" : nil)
                try await Greeter.waitUntil(zone.outbound, hears: "web heard ping")
                try await Greeter.waitUntil(
                    zone.outbound, port: 10081, hears: clustersEgress ? "the partner of the cluster heard ping" : nil)
            }
            try await all()
            for (kind, name) in [("zoneegress", "zoneegress-1"), ("zone-ingress", "ingress-1")] {
                #expect(try await zone.allowed(kind, name) >= 2, "\(kind)")
            }
            for pod in try await cluster.egressPods() + cluster.ingressPods() {
                #expect(try await cluster.metric("egret_connections_total", at: pod.address, "verdict=\"allowed\"") >= 2, "\(pod.name)")
            }

            // Without its egress the cluster calls nobody, and nobody calls what only it reaches. Its workloads are still called.
            try await cluster.scaleEgress(0)
            try await all(fromCluster: false, clustersEgress: false)
            try await cluster.scaleEgress(1)
            try await all()
        }

        private static func resources(_ greeters: Greeters) -> String {
            func partner(_ zone: String, _ greeter: Greeter) -> String {
                """
                ---
                type: ExternalService
                mesh: default
                name: partner-of-\(zone)
                tags: {kuma.io/service: partner-of-\(zone), kuma.io/protocol: tcp, kuma.io/zone: \(zone)}
                networking: {address: "\(Greeters.address):\(greeter.port)"}

                """
            }
            return """
                type: Mesh
                name: default
                mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}
                routing: {zoneEgress: true}
                ---
                type: MeshTrafficPermission
                mesh: default
                name: everybody
                spec: {targetRef: {kind: Mesh}, from: [{targetRef: {kind: Mesh}, default: {action: Allow}}]}

                """ + partner("cluster", greeters.clusters) + partner("zone-2", greeters.zones)
        }
    }
}
