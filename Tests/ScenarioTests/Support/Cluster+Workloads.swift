import Foundation
import JSONModel
import TestKit
import Testing

extension Cluster {
    /// Namespace `demo`, with the one thing a workload needs of the control plane: its CA certificate.
    func prepareWorkloads() async throws {
        let secret = try await eventually("the control plane makes its certificate") {
            try await self.object("secret/egret-control-plane-tls")
        }
        let ca = secret.at("data", "ca.crt")?.string.flatMap { Data(base64Encoded: $0) } ?? Data()
        let file = try self.write(String(decoding: ca, as: UTF8.self), to: "control-plane-ca.crt")
        try await self.kubectl("create", "namespace", "demo")
        try await self.kubectl("-n", "demo", "create", "configmap", "egret-ca", "--from-file=ca.crt=\(file)")
    }

    func startWorkload(
        _ name: String, mesh: String = "default", outbounds: [(service: String, address: String, port: Int)]
    ) async throws {
        try await self.apply(Manifests.workload(name, mesh: mesh, outbounds: outbounds))
        try await self.kubectl("-n", "demo", "wait", "--for=condition=Ready", "pod/\(name)", "--timeout=60s")
    }
}
