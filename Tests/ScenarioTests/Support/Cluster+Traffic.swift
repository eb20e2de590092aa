import TestKit

extension Cluster {
    /// A cluster with one permitted external service and one caller of it.
    /// - Parameter body: gets the URL that the caller's application asks for.
    static func withTraffic(_ body: @Sendable @escaping (Cluster, HTTPSServer, String) async throws -> Void) async throws {
        try await Cluster.with { cluster in
            try await cluster.install()
            try await cluster.apply(Manifests.mesh())
            try await cluster.waitForEgress()
            try await cluster.prepareWorkloads()
            try await HTTPSServer.with(cluster) { server in
                try await cluster.apply(
                    Manifests.externalService("httpbin", service: "httpbin", address: server.address, ca: server.certificate)
                        + "---\n" + Manifests.permission("httpbin", service: "httpbin", caller: "client_demo_svc_8080"))
                try await cluster.startWorkload("client", outbounds: [("httpbin", Loopback.client, 10080)])
                let url = "http://\(Loopback.client):10080/"
                try await Caller.waitUntilPasses(url)
                try await body(cluster, server, url)
            }
        }
    }

    /// `pod/NAME`s of a part of Egret.
    func pods(_ component: String) async throws -> [String] {
        let names = try await self.kubectl(
            "-n", Self.system, "get", "pods", "-l", "app.kubernetes.io/component=\(component)", "-o", "name")
        return names.split(separator: "\n").map(String.init)
    }
}
