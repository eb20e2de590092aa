import JSONModel
import TestKit
import Testing

extension Scenarios {
    @Suite("Replicas")
    struct Replicas {
        @Test("A proxy that streams from a replica which does not lead is programmed all the same")
        func acknowledgedElsewhere() async throws {
            try await Cluster.with { cluster in
                try await cluster.install()
                try await cluster.waitForEgress()
                try await cluster.kubectl("-n", Cluster.system, "scale", "deploy/egret-control-plane", "--replicas=2")
                try await cluster.kubectl(
                    "-n", Cluster.system, "rollout", "status", "deploy/egret-control-plane", "--timeout=90s")
                let leader = try #require(
                    try await cluster.object("lease/egret-control-plane")?.at("spec", "holderIdentity")?.string)
                let pods = try await cluster.kubectl(
                    "-n", Cluster.system, "get", "pods", "-l", "app.kubernetes.io/component=control-plane", "-o",
                    "jsonpath={.items[*].metadata.name}")
                let follower = try #require(pods.split(separator: " ").map(String.init).first { $0 != leader })

                // From now on proxies find the follower only.
                try await cluster.kubectl("-n", Cluster.system, "label", "pod", follower, "test=follower")
                try await cluster.kubectl(
                    "-n", Cluster.system, "patch", "service", "egret-control-plane", "-p", #"{"spec":{"selector":{"test":"follower"}}}"#)
                try await eventually("the service has one address") {
                    let slices = try await cluster.kubectl(
                        "-n", Cluster.system, "get", "endpointslices", "-l", "kubernetes.io/service-name=egret-control-plane", "-o",
                        "jsonpath={.items[*].endpoints[*].targetRef.name}")
                    return slices == follower ? true : nil
                }
                let old = try #require(try await cluster.egressPods().first)
                try await cluster.kubectl("-n", Cluster.system, "delete", "pod", old.name, "--wait=false")
                let new = try await eventually("another egress pod runs") {
                    let pods = try await cluster.egressPods()
                    return pods.count == 1 && pods[0].name != old.name ? pods[0] : nil
                }
                let proxy = "egress \(new.name).\(Cluster.system)"
                func said(to replica: String) async throws -> Bool {
                    let map = try await cluster.object("configmap/egret-acknowledgements-\(replica)")
                    return map?.at("data", "acknowledgements.json")?.string?.contains(proxy) == true
                }
                try await eventually("the follower publishes what the proxy said") { try await said(to: follower) ? true : nil }
                try await cluster.waitForCondition("Programmed", "True Programmed", of: "zoneegress/egress")
                #expect(try await !said(to: leader))
                #expect(try await cluster.object("lease/egret-control-plane")?.at("spec", "holderIdentity")?.string == leader)
                let log = try await cluster.kubectl("-n", Cluster.system, "logs", follower)
                #expect(log.contains("A proxy connected") && log.contains("proxy.name=\(new.name).\(Cluster.system)"))
                let map = try await cluster.object("configmap/egret-acknowledgements-\(follower)")
                #expect(map?.at("metadata", "ownerReferences")?[0]?["name"]?.string == follower)
            }
        }
    }
}
