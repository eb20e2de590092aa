import JSONModel
import TestKit
import Testing

extension Scenarios {
    @Suite("External services of the newer kind")
    struct Externals {
        @Test("A MeshExternalService is reached through the egress whatever the mesh's flag says, and closed when it is gone")
        func story() async throws {
            try await Cluster.with { cluster in
                try await cluster.install()
                try await cluster.apply(Manifests.mesh(zoneEgress: false))
                try await cluster.waitForEgress()
                try await cluster.prepareWorkloads()
                try await HTTPSServer.with(cluster) { server in try await self.story(cluster, server) }
            }
        }

        private func story(_ cluster: Cluster, _ server: HTTPSServer) async throws {
            let outside = "http://\(Loopback.client):10080/"
            let service = "meshexternalservice/httpbin"

            // What a schema's rule refuses never gets in.
            let wrong = Manifests.meshExternalService("wrong", address: server.address, ca: server.certificate)
                .replacing("    verification:", with: "    version: {min: TLS13, max: TLS12}\n    verification:")
            let refusal = try await cluster.tryKubectl("apply", "-f", "-", input: wrong)
            #expect(refusal.status != 0)
            #expect(refusal.errors.contains("min version must be lower than max"), "\(refusal)")

            // One that is broken says so on itself, and does not keep the other from working.
            try await cluster.apply(
                Manifests.meshExternalService("broken", address: server.address, ca: "not a certificate") + "---\n"
                    + Manifests.meshExternalService("httpbin", address: server.address, ca: server.certificate))
            try await cluster.waitForCondition("Ready", "False InvalidSpec", of: "meshexternalservice/broken")
            try await cluster.waitForCondition("Ready", "True Ready", of: service)
            try await cluster.waitForCondition("Verified", "True Accepted", of: service)
            #expect(
                try await cluster.kubectl("-n", Cluster.system, "get", "extsvc", "httpbin").contains(
                    server.address.split(separator: ":")[0]))

            // Everybody in the mesh may call it.
            try await cluster.apply(
                Manifests.workload("client", outbounds: [("httpbin", Loopback.client, 10080)])
                    .replacing("tags: {kuma.io/service: httpbin}", with: "backendRef: {kind: MeshExternalService, name: httpbin}"))
            try await cluster.kubectl("-n", "demo", "wait", "--for=condition=Ready", "pod/client", "--timeout=60s")
            try await Caller.waitUntilPasses(outside)
            #expect(try await Caller.curl(outside).output.contains("hello from the outside world"))
            let egress = try #require(try await cluster.egressPods().first)
            #expect(try await cluster.metric("egret_connections_total", at: egress.address, "verdict=\"allowed\"") > 0)

            // Unless the mesh says otherwise; then a permission about it is needed.
            try await cluster.kubectl(
                "patch", "mesh", "default", "--type=merge", "-p", #"{"spec":{"routing":{"defaultForbidMeshExternalServiceAccess":true}}}"#)
            try await cluster.waitForCondition("Permitted", "False NoPermission", of: service)
            try await Caller.waitUntilFails(outside)
            try await eventually("the egress says why") { try await cluster.egressLog().contains("not_permitted") ? true : nil }
            try await cluster.apply(
                Manifests.permission("httpbin", service: "httpbin", caller: "client_demo_svc_8080")
                    .replacing(
                        "targetRef: {kind: MeshService, name: httpbin}", with: "targetRef: {kind: MeshExternalService, name: httpbin}"))
            try await Caller.waitUntilPasses(outside)

            // None: closed, never around.
            try await cluster.scaleEgress(0)
            try await cluster.waitForCondition("Ready", "False NoReadyEndpoints", of: service)
            try await Caller.waitUntilFails(outside)
            let requests = server.requests
            #expect(try await Caller.curl(outside).status != 0)
            #expect(server.requests == requests)
        }
    }
}
