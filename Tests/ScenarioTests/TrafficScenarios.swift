import JSONModel
import TestKit
import Testing

extension Scenarios {
    @Suite("Traffic")
    struct Traffic {
        @Test("The whole story: denied, permitted, second mesh, other zone, unknown name, zero, two, direct", arguments: Cluster.kubectls)
        func story(kubectl: String) async throws {
            try await Cluster.with(kubectl: kubectl) { cluster in
                try await cluster.install()
                try await cluster.apply(Manifests.mesh())
                try await cluster.waitForEgress()
                try await cluster.prepareWorkloads()
                try await HTTPSServer.with(cluster) { server in
                    try await RemoteService.with(cluster, service: "backend") { remote in
                        try await self.story(cluster, server, remote)
                    }
                }
            }
        }

        private func story(_ cluster: Cluster, _ server: HTTPSServer, _ remote: RemoteService) async throws {
            let outside = "http://\(Loopback.client):10080/", east = "http://\(Loopback.client):10081/"
            let payments = "http://\(Loopback.teller):10080/"

            // An external service nobody may call yet.
            try await cluster.apply(
                Manifests.externalService("httpbin", service: "httpbin", address: server.address, ca: server.certificate))
            try await cluster.startWorkload(
                "client", outbounds: [("httpbin", Loopback.client, 10080), ("backend", Loopback.client, 10081)])
            try await eventually("the egress refuses the caller as not_permitted") { () -> Bool? in
                guard try await Caller.curl(outside).status != 0 else { return nil }
                return try await cluster.egressLog().contains("not_permitted") ? true : nil
            }
            #expect(server.requests == 0)

            // Permitted: through the egress, and counted there.
            try await cluster.apply(
                Manifests.permission("httpbin", service: "httpbin", caller: "client_demo_svc_8080"))
            try await Caller.waitUntilPasses(outside)
            let egress = try #require(try await cluster.egressPods().first)
            let before = try await cluster.metric("egret_connections_total", at: egress.address, "verdict=\"allowed\"")
            #expect(try await Caller.curl(outside).output.contains("hello from the outside world"))
            #expect(try await cluster.metric("egret_connections_total", at: egress.address, "verdict=\"allowed\"") > before)

            // A second mesh, the same Deployment.
            try await cluster.apply(
                Manifests.mesh("payments") + "---\n"
                    + Manifests.externalService(
                        "httpbin-payments", mesh: "payments", service: "httpbin", address: server.address, ca: server.certificate)
                    + "---\n"
                    + Manifests.permission("httpbin-payments", mesh: "payments", service: "httpbin", caller: "teller_demo_svc_8080"))
            try await cluster.startWorkload("teller", mesh: "payments", outbounds: [("httpbin", Loopback.teller, 10080)])
            try await Caller.waitUntilPasses(payments)
            let deployments = try await cluster.kubectl("-n", Cluster.system, "get", "deploy", "-l", "kuma.io/zone-egress", "-o", "name")
            #expect(deployments == "deployment.apps/egret-egress\n")

            // Another zone: the server's own certificate, end to end.
            try await cluster.apply(
                Manifests.zoneIngress("east", address: remote.address, port: remote.port, service: "backend"))
            try await eventually("the server's own certificate is seen through the egress") {
                let hello = try await Caller.hello("backend{mesh=default}", at: egress.address, authority: remote.authority)
                return hello.output.contains("Verify return code: 0 (ok)") && hello.output.contains("CN = backend") ? true : nil
            }
            try await Caller.waitUntilPasses(east)

            // Nobody's name.
            let stranger = try await Caller.hello("stranger.example", at: egress.address, authority: remote.authority)
            #expect(stranger.status != 0)
            #expect(stranger.errors.contains("unrecognized name"), "\(stranger)")
            try await eventually("the egress says why") { try await cluster.egressLog().contains("no_route") ? true : nil }

            // None: closed, never around.
            try await cluster.scaleEgress(0)
            try await cluster.waitForCondition("Ready", "False NoReadyEndpoints", of: "zoneegress/egress")
            _ = try await cluster.waitForEgressPods(0)
            try await Caller.waitUntilFails(outside)
            let requests = server.requests
            #expect(try await Caller.curl(outside).status != 0)
            #expect(server.requests == requests)

            // Two: both take part.
            try await cluster.scaleEgress(2)
            try await cluster.kubectl("-n", Cluster.system, "wait", "--for=condition=Ready", "zoneegress/egress", "--timeout=90s")
            let pods = try await cluster.waitForEgressPods(2)
            try await eventually("both counters grow", timeout: .seconds(90)) { () -> Bool? in
                _ = try await Caller.curl(outside)
                for pod in pods where try await cluster.metric("egret_connections_total", at: pod.address, "verdict=\"allowed\"") == 0 {
                    return nil
                }
                return true
            }

            // The flag off, no egress: the direct path.
            try await cluster.scaleEgress(0)
            try await cluster.kubectl("patch", "mesh", "default", "--type=merge", "-p", #"{"spec":{"routing":{"zoneEgress":false}}}"#)
            _ = try await cluster.waitForEgressPods(0)
            try await Caller.waitUntilPasses(outside)
            #expect(server.requests > requests)
        }
    }
}
