import Foundation
import Identity
import TestKit
import Testing
import X509

/// What a proxy without a control plane is started with: a CA, certificates and a folder for the file.
final class StaticProxy: Sendable {
    let folder: TestFolder
    let mesh: CertificateAuthority

    init() throws {
        self.mesh = try .makeBuiltin(
            mesh: "default", key: try KeyKind.p256.makeKey(), life: .seconds(86400), now: Date(), serial: .random())
        self.folder = try TestFolder(ca: self.mesh.certificate.pem, token: "")
        try self.writeIdentity("zone-egress")
    }

    /// `NAME.crt` and `NAME.key`, for `spiffe://default/NAME`.
    func writeIdentity(_ name: String, as file: String? = nil) throws {
        let key = ProxyKey()
        let profile = LeafProfile(uris: ["spiffe://default/\(name)"], life: .seconds(3600))
        let leaf = try self.mesh.issue(profile, for: key.key.publicKey, now: Date(), serial: .random())
        try self.folder.write("\(file ?? name).crt", leaf.pem)
        try self.folder.write("\(file ?? name).key", key.pem)
    }

    func run<Value: Sendable>(_ text: String, _ body: @escaping @Sendable (ProxyProcess) async throws -> Value) async throws -> Value {
        try self.folder.write("egress.yaml", text)
        return try await self.run(file: "egress.yaml", body)
    }

    func run<Value: Sendable>(
        file: String, _ body: @escaping @Sendable (ProxyProcess) async throws -> Value
    ) async throws -> Value {
        let flags = [
            "run", "--proxy-type=egress", "--static-config", self.folder.path(file), "--admin-port", "0", "--drain-grace", "100ms",
        ]
        return try await BackgroundProcess.with(Repository.program("egret-dp"), flags, logFile: self.folder.path("log")) { process in
            let line = try await process.line(containing: "Admin server listening")
            let address = line.components(separatedBy: "admin.address=")[1].trimmingCharacters(in: .whitespaces)
            let proxy = ProxyProcess(process: process, admin: "http://\(address)")
            try await proxy.waitUntilReady()
            return try await body(proxy)
        }
    }
}

extension ProxyProcess {
    func generation() async throws -> Int { Int(try await self.metric("egret_config_generation")) }

    func wait(forGeneration wanted: Int) async throws {
        try await eventually("generation \(wanted) of the configuration") { try await self.generation() == wanted ? true : nil }
    }
}
