import Foundation
import Identity
import X509

/// The server's CA, certificate and the administrator's token: new at every start.
struct Credentials: Sendable {
    let caPEM: String
    let certificatePEM: String
    let keyPEM: String
    let adminToken: String

    static func make(address: String, serviceAddress: String, now: Date) throws -> Credentials {
        let year = Duration.seconds(365 * 86_400)
        let authority = try CertificateAuthority.make(
            commonName: "egret-devcluster", key: try KeyKind.p256.makeKey(), life: year, now: now, serial: .random())
        let key = try KeyKind.p256.makeKey()
        let names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"]
        let profile = LeafProfile(dnsNames: names, ipAddresses: ["127.0.0.1", serviceAddress, address], life: year)
        let certificate = try authority.issue(profile, for: key.publicKey, now: now, serial: .random())
        let token = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
        return Credentials(
            caPEM: authority.certificate.pem, certificatePEM: certificate.pem, keyPEM: key.pem, adminToken: token)
    }
}

/// What clients read: `kubeconfig`, `ca.crt`, `token` in one directory.
struct CredentialFiles: Sendable {
    let directory: String
    let credentials: Credentials

    /// All but the kubeconfig, whose appearance says that the server answers.
    func prepare() throws {
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
        try self.write("ca.crt", self.credentials.caPEM)
        try self.write("token", self.credentials.adminToken)
    }

    func write(server: String) throws -> String {
        try self.write("kubeconfig", self.kubeconfig(server: server))
    }

    /// The files name a server that is gone.
    func remove() {
        for name in ["kubeconfig", "token", "ca.crt"] { try? FileManager.default.removeItem(atPath: self.path(name)) }
    }

    private func path(_ name: String) -> String { URL(filePath: self.directory).appending(path: name).path }

    @discardableResult
    private func write(_ name: String, _ text: String) throws -> String {
        let path = self.path(name)
        // Complete or not there, and readable by us alone: others wait for these files.
        let temporary = "\(path).\(UUID().uuidString)"
        guard
            FileManager.default.createFile(
                atPath: temporary, contents: Data(text.utf8), attributes: [.posixPermissions: NSNumber(value: 0o600)])
        else { throw CocoaError(.fileWriteNoPermission, userInfo: [NSFilePathErrorKey: path]) }
        guard rename(temporary, path) == 0 else { throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path]) }
        return path
    }

    private func kubeconfig(server: String) -> String {
        """
        # Made by egret-devcluster: a development cluster that lives as long as its process.
        apiVersion: v1
        kind: Config
        clusters:
        - name: egret-devcluster
          cluster:
            server: \(server)
            certificate-authority-data: \(Data(self.credentials.caPEM.utf8).base64EncodedString())
        users:
        - name: admin
          user:
            token: \(self.credentials.adminToken)
        contexts:
        - name: egret-devcluster
          context:
            cluster: egret-devcluster
            user: admin
        current-context: egret-devcluster

        """
    }
}
