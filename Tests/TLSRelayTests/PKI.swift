import Foundation
import Identity
import NIOSSL
import X509

/// A CA of a test with what it signs.
struct PKI: Sendable {
    struct Leaf: Sendable {
        let chain: String
        let key: String
    }

    let authority: CertificateAuthority
    var ca: String { self.authority.certificate.pem }

    init(mesh: String = "default", key: KeyKind = .p256) throws {
        self.authority = try .makeBuiltin(mesh: mesh, key: try key.makeKey(), life: .seconds(3600), now: Date(), serial: .random())
    }

    func leaf(_ uris: String..., dns: [String] = [], ips: [String] = [], key: KeyKind = .p256) throws -> Leaf {
        let key = try key.makeKey()
        let profile = LeafProfile(uris: uris, dnsNames: dns, ipAddresses: ips, life: .seconds(3600))
        let certificate = try self.authority.issue(profile, for: key.publicKey, now: Date(), serial: .random())
        return Leaf(chain: certificate.pem, key: key.pem)
    }
}

extension TLSConfiguration {
    mutating func present(_ leaf: PKI.Leaf) throws {
        self.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(leaf.chain.utf8)).map { .certificate($0) }
        self.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(leaf.key.utf8), format: .pem))
    }

    mutating func trust(_ pem: String) throws {
        self.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)))
    }

    static func client(trusting ca: String, as leaf: PKI.Leaf? = nil) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .noHostnameVerification
        configuration.applicationProtocols = ["kuma"]
        try configuration.trust(ca)
        if let leaf { try configuration.present(leaf) }
        return configuration
    }

    static func server(_ leaf: PKI.Leaf, requiring ca: String? = nil) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(leaf.chain.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(leaf.key.utf8), format: .pem)))
        if let ca {
            configuration.certificateVerification = .noHostnameVerification
            try configuration.trust(ca)
        }
        return configuration
    }
}
