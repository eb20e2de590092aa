import Foundation
import JSONModel
import TestKit
import Testing

extension Scenarios {
    @Suite("Loss")
    struct Loss {
        @Test("Without the operator traffic flows on; the next one learns what changed meanwhile")
        func operatorLost() async throws {
            try await Cluster.withTraffic { cluster, _, url in
                try await cluster.kubectl("-n", Cluster.system, "scale", "deploy/egret-control-plane", "--replicas=0")
                try await eventually("no operator runs") { try await cluster.pods("control-plane").isEmpty ? true : nil }
                for _ in 0..<5 { #expect(try await Caller.curl(url).status == 0) }
                try await cluster.kubectl("-n", Cluster.system, "delete", "meshtrafficpermission", "httpbin")
                #expect(try await Caller.curl(url).status == 0, "the last good table holds")
                try await cluster.kubectl("-n", Cluster.system, "scale", "deploy/egret-control-plane", "--replicas=1")
                try await Caller.waitUntilFails(url)
                try await cluster.apply(Manifests.permission("httpbin", service: "httpbin", caller: "client_demo_svc_8080"))
                try await Caller.waitUntilPasses(url)
            }
        }

        @Test("A lost proxy comes back by itself")
        func proxyLost() async throws {
            try await Cluster.withTraffic { cluster, _, url in
                let old = try #require(try await cluster.pods("egress").first)
                try await cluster.kubectl("-n", Cluster.system, "delete", old, "--grace-period=0", "--force")
                try await eventually("another pod runs") { try await cluster.pods("egress").contains { $0 != old } ? true : nil }
                try await Caller.waitUntilPasses(url)
                try await cluster.waitForCondition("Ready", "True Ready", of: "zoneegress/egress")
            }
        }

        @Test("An API server that hangs stops nothing, and is caught up with when it answers again")
        func apiServerHangs() async throws {
            try await Cluster.withTraffic { cluster, _, url in
                guard let process = cluster.process else { return }  // A borrowed cluster's API server is not ours to stop.
                process.send(SIGSTOP)
                // In-flight requests of the operator run into their deadlines meanwhile.
                for _ in 0..<10 {
                    #expect(try await Caller.curl(url).status == 0)
                    try await Task.sleep(for: .milliseconds(500))
                }
                process.send(SIGCONT)
                try await cluster.kubectl("-n", Cluster.system, "delete", "meshtrafficpermission", "httpbin")
                try await Caller.waitUntilFails(url)
            }
        }
    }
}
