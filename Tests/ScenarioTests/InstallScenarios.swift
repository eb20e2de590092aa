import JSONModel
import TestKit
import Testing

extension Scenarios {
    @Suite("Install")
    struct Install {
        @Test("Helm installs, upgrades with the egress off, and uninstalls everything but the definitions and your objects")
        func helm() async throws {
            try await Cluster.with { cluster in
                try await cluster.install()
                try await cluster.apply(Manifests.mesh())
                try await cluster.waitForEgress()
                try await cluster.kubectl("wait", "--for=condition=Ready", "mesh/default", "--timeout=60s")
                #expect(try await cluster.exists("deploy/egret-egress"))

                let values = try cluster.write(Cluster.disabled, to: "disabled.yaml")
                try await cluster.helm(
                    "upgrade", "egret", Repository.chart, "-n", Cluster.system, "-f", values, "--wait", "--timeout", "90")
                for name in ["zoneegress/egress", "deploy/egret-egress", "service/egret-egress", "serviceaccount/egret-egress"] {
                    try await cluster.waitUntilGone(name)
                }
                #expect(try await cluster.exists("deploy/egret-control-plane"))
                if Cluster.tellsRequests {
                    let refused = try await Permissions(of: cluster).missing(for: "egret-cp")
                    #expect(refused.isEmpty, "a real cluster would refuse the control plane: \(refused)")
                }

                try await cluster.helm("uninstall", "egret", "-n", Cluster.system, "--wait")
                try await cluster.waitUntilGone("deploy/egret-control-plane")
                try await eventually("no pod is left") {
                    try await cluster.kubectl("-n", Cluster.system, "get", "pods", "-o", "name").isEmpty ? true : nil
                }
                for kind in ["deploy", "service", "serviceaccount", "configmap", "role", "rolebinding"] {
                    let left = try await cluster.kubectl(
                        "-n", Cluster.system, "get", kind, "-l", "app.kubernetes.io/name=egret", "-o", "name")
                    #expect(left.isEmpty, "\(kind): \(left)")
                }
                let clusterWide = try await cluster.kubectl(
                    "get", "clusterrole,clusterrolebinding", "-l", "app.kubernetes.io/name=egret", "-o", "name")
                #expect(clusterWide.isEmpty, "\(clusterWide)")
                #expect(try await cluster.exists("mesh/default"))
            }
        }

        @Test("Uninstalling with the egress on collects what the operator rendered")
        func uninstallWhileEnabled() async throws {
            try await Cluster.with { cluster in
                try await cluster.install()
                try await cluster.waitForEgress()
                try await cluster.kubectl("apply", "-f", "\(Repository.root)/deploy/examples")
                try await cluster.helm("uninstall", "egret", "-n", Cluster.system, "--wait")
                for name in ["zoneegress/egress", "deploy/egret-egress", "service/egret-egress", "serviceaccount/egret-egress"] {
                    try await cluster.waitUntilGone(name)
                }
            }
        }

        @Test("Definitions of somebody else are refused, and those of another release too, each with what to do")
        func ownership() async throws {
            try await Cluster.with { cluster in
                try await cluster.apply(
                    """
                    apiVersion: apiextensions.k8s.io/v1
                    kind: CustomResourceDefinition
                    metadata: {name: meshes.kuma.io}
                    spec:
                      group: kuma.io
                      names: {kind: Mesh, listKind: MeshList, plural: meshes, singular: mesh}
                      scope: Cluster
                      versions:
                      - name: v1alpha1
                        served: true
                        storage: true
                        schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
                    """)
                let kuma = try await cluster.tryHelm("install", "egret", Repository.chart, "-n", Cluster.system, "--create-namespace")
                #expect(kuma.status != 0)
                #expect(kuma.errors.contains("is not Egret's"), "\(kuma)")
                try await cluster.kubectl("delete", "crd", "meshes.kuma.io")

                try await cluster.install(Cluster.disabled)
                let other = try await cluster.tryHelm("install", "second", Repository.chart, "-n", "elsewhere", "--create-namespace")
                #expect(other.status != 0)
                #expect(other.errors.contains("belongs to the Helm release egret in namespace kuma-system"), "\(other)")
            }
        }

        @Test("egretctl's manifests install with kubectl alone", arguments: Cluster.kubectls)
        func egretctl(kubectl: String) async throws {
            try await Cluster.with(kubectl: kubectl) { cluster in
                let manifests = try await Command.output(
                    Repository.program("egretctl"), ["install", "control-plane", "--egress-enabled", "--zone", "east"])
                try await cluster.apply(manifests)
                try await cluster.waitForEgress()
                #expect(try await cluster.object("zoneegress/egress")?.at("spec", "zone") == "east")
                let again = try await cluster.apply(manifests)
                let changed = again.split(separator: "\n").filter { !$0.hasSuffix("unchanged") }
                #expect(changed.isEmpty, "applying again changed: \(changed)")
                try await cluster.kubectl("delete", "-f", "-", "--wait=false", "--ignore-not-found", input: manifests)
                try await cluster.waitUntilGone("deploy/egret-egress")
            }
        }

        @Test("A Mesh with zoneEgress and no mTLS is refused by field and reason", arguments: Cluster.kubectls)
        func refusedMesh(kubectl: String) async throws {
            try await Cluster.with(kubectl: kubectl) { cluster in
                try await cluster.apply(
                    try await Command.output(Repository.program("egretctl"), ["install", "control-plane"]))
                try await cluster.kubectl("wait", "--for=condition=Established", "crd/meshes.kuma.io", "--timeout=30s")
                let result = try await cluster.tryKubectl("apply", "-f", "-", input: Manifests.meshWithoutMTLS)
                #expect(result.status != 0)
                #expect(result.errors.contains("spec.mtls") && result.errors.contains("has to be set when zoneEgress enabled"), "\(result)")
            }
        }
    }
}
