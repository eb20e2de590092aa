import Foundation
import Identity
import NIOSSL
import X509

/// A mesh's CA, what an egress of it serves with, and a client of it; in files, as a static configuration wants them.
struct StaticPKI: Sendable {
    let folder: TestFolder
    private let authority: CertificateAuthority
    private let client: (chain: String, key: String)

    init() throws {
        self.authority = try .makeBuiltin(
            mesh: "default", key: try KeyKind.p256.makeKey(), life: .seconds(3600), now: Date(), serial: .random())
        self.folder = try TestFolder(ca: self.authority.certificate.pem, token: "")
        let own = try Self.leaf(self.authority, "spiffe://default/zone-egress")
        try self.folder.write("egress.crt", own.chain)
        try self.folder.write("egress.key", own.key)
        self.client = try Self.leaf(self.authority, "spiffe://default/web")
    }

    private static func leaf(_ authority: CertificateAuthority, _ uri: String) throws -> (chain: String, key: String) {
        let key = try KeyKind.p256.makeKey()
        let certificate = try authority.issue(
            LeafProfile(uris: [uri], life: .seconds(3600)), for: key.publicKey, now: Date(), serial: .random())
        return (certificate.pem, key.pem)
    }

    func clientContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(self.authority.certificate.pem.utf8)))
        configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(self.client.chain.utf8)).map { .certificate($0) }
        configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(self.client.key.utf8), format: .pem))
        return try NIOSSLContext(configuration: configuration)
    }

    /// One listener: `ext.test` ends mesh TLS here, everything else passes through, both to one port.
    /// - Parameters:
    ///   - listener: More of the listener's lines, such as `proxyProtocol: v2`.
    ///   - cluster: More of the cluster's fields, beginning with a comma.
    func terminating(
        to port: UInt16, allow: String = "spiffe://default/*", listener: String = "", cluster: String = "", more: String = ""
    ) -> String {
        """
        admin: {address: 127.0.0.1, port: 0}
        workers: 2
        trust: [{mesh: default, ca: ca.crt}]
        identities: [{mesh: default, certificate: egress.crt, key: egress.key}]
        listeners:
          - name: egress
            address: 127.0.0.1
            port: 0
            \(listener)
            routes:
              - {sni: ["ext.test"], terminate: {mesh: default, allow: ["\(allow)"], cluster: c}}
              - {sni: ["*"], passthrough: {cluster: c}}
        clusters:
          - {name: c, endpoints: [{address: 127.0.0.1, port: \(port)}]\(cluster)}
        \(more)
        """
    }
}
