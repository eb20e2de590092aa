import JSONModel
import TestKit
import Testing

extension Scenarios {
    @Suite("Repair")
    struct Repair {
        @Test("Children deleted by hand come back")
        func deletions() async throws {
            try await Cluster.with { cluster in
                try await cluster.install()
                try await cluster.waitForEgress()
                for name in ["deploy/egret-egress", "service/egret-egress", "serviceaccount/egret-egress", "zoneegress/egress"] {
                    let old = try #require(try await cluster.uid(name))
                    try await cluster.kubectl("-n", Cluster.system, "delete", name, "--wait=false")
                    try await eventually("\(name) is made again") {
                        try await cluster.uid(name).map { $0 != old } ?? false ? true : nil
                    }
                }
                try await cluster.waitForEgress()
            }
        }

        @Test("A hand edit of a child is undone, a scaled ZoneEgress is not")
        func edits() async throws {
            try await Cluster.with { cluster in
                try await cluster.install()
                try await cluster.waitForEgress()
                let image = try #require(try await self.image(cluster))
                try await cluster.kubectl("-n", Cluster.system, "set", "image", "deploy/egret-egress", "*=example.org/other:1")
                try await eventually("the image is ours again") { try await self.image(cluster) == image ? true : nil }
                try await cluster.kubectl("-n", Cluster.system, "scale", "deploy/egret-egress", "--replicas=3")
                try await eventually("the Deployment has the ZoneEgress's replicas") {
                    try await cluster.object("deploy/egret-egress")?.at("spec", "replicas") == 1 ? true : nil
                }
                try await cluster.scaleEgress(2)
                try await eventually("two replicas are ready") {
                    try await cluster.object("deploy/egret-egress")?.at("status", "readyReplicas") == 2 ? true : nil
                }
                #expect(try await cluster.object("zoneegress/egress")?.at("spec", "deployment", "replicas") == 2)
            }
        }

        private func image(_ cluster: Cluster) async throws -> JSON? {
            try await cluster.object("deploy/egret-egress")?.at("spec", "template", "spec", "containers")?[0]?["image"]
        }

        @Test("The zone written by somebody else is reported, not fought over")
        func zoneMismatch() async throws {
            try await Cluster.with { cluster in
                try await cluster.install()
                try await cluster.waitForEgress()
                try await cluster.apply(
                    """
                    apiVersion: kuma.io/v1alpha1
                    kind: ZoneEgress
                    metadata: {name: elsewhere, namespace: \(Cluster.system)}
                    spec:
                      zone: west
                      networking: {address: 192.0.2.1, port: 10002}
                    """)
                try await cluster.waitForCondition("Accepted", "False ZoneMismatch", of: "zoneegress/elsewhere")
            }
        }

        @Test(
            "After start-up the operator reacts by its watches alone: it lists nothing more",
            .enabled(if: Cluster.tellsRequests, "EGRET_TEST_AUDIT_LOG names no audit log of the cluster"))
        func watchesOnly() async throws {
            try await Cluster.with { cluster in
                try await cluster.install()
                try await cluster.apply(Manifests.mesh())
                try await cluster.waitForEgress()
                let before = try self.lists(cluster)
                #expect(!before.isEmpty, "the operator's first lists are recorded")
                try await cluster.scaleEgress(2)
                try await eventually("two replicas are ready") {
                    try await cluster.object("deploy/egret-egress")?.at("status", "readyReplicas") == 2 ? true : nil
                }
                try await cluster.apply(Manifests.mesh("second"))
                try await cluster.kubectl("wait", "--for=condition=Ready", "mesh/second", "--timeout=60s")
                try await cluster.kubectl("-n", Cluster.system, "delete", "deploy", "egret-egress", "--wait=false")
                try await cluster.waitForEgress()
                #expect(try self.lists(cluster) == before)
            }
        }

        /// List requests by the operator, as the API server recorded them.
        private func lists(_ cluster: Cluster) throws -> [AuditLog.Entry] {
            try #require(cluster.auditLog).entries(of: "egret-cp").filter { $0.verb == "list" }
        }
    }
}
