import Foundation
import Identity
import SwiftASN1
import X509

/// A certificate as no control plane of ours would sign it. The defaults are those of a good one.
struct UnusualCertificate: Sendable {
    var uris = ["spiffe://default/web"]
    /// Seconds from now.
    var validity = -10..<3600
    var isCA = false
    var keyUsage = KeyUsage(digitalSignature: true)
    var usages: [ExtendedKeyUsage.Usage]? = [.clientAuth, .serverAuth]
    var permittedURIDomains: [String]?
    var key = KeyKind.p256
}

/// Who signs: a CA, or whoever is made to.
struct Signer: Sendable {
    let certificate: Certificate
    let key: Certificate.PrivateKey
    var leaf: PKI.Leaf { get throws { PKI.Leaf(chain: try self.certificate.serializeAsPEM().pemString, key: self.key.pem) } }
    var pem: String { get throws { try self.certificate.serializeAsPEM().pemString } }

    init(_ authority: CertificateAuthority) {
        self.certificate = authority.certificate
        self.key = authority.key
    }

    /// Signed by `issuer`, or by itself.
    init(_ unusual: UnusualCertificate, name: String, by issuer: Signer? = nil, now: Date = Date()) throws {
        let key = try unusual.key.makeKey()
        let subject = try DistinguishedName { CommonName(name) }
        self.key = key
        self.certificate = try Certificate(
            version: .v3, serialNumber: .random(), publicKey: key.publicKey,
            notValidBefore: now + TimeInterval(unusual.validity.lowerBound), notValidAfter: now + TimeInterval(unusual.validity.upperBound),
            issuer: issuer?.certificate.subject ?? subject, subject: subject,
            extensions: try Certificate.Extensions {
                Critical(unusual.isCA ? BasicConstraints.isCertificateAuthority(maxPathLength: nil) : .notCertificateAuthority)
                Critical(unusual.keyUsage)
                if let usages = unusual.usages { try ExtendedKeyUsage(usages) }
                if !unusual.uris.isEmpty { SubjectAlternativeNames(unusual.uris.map(GeneralName.uniformResourceIdentifier)) }
                if let domains = unusual.permittedURIDomains { Critical(NameConstraints(permittedURIDomains: domains)) }
            },
            issuerPrivateKey: issuer?.key ?? key)
    }

    static func root(_ name: String = "root") throws -> Signer {
        try Signer(
            UnusualCertificate(uris: [], isCA: true, keyUsage: KeyUsage(keyCertSign: true, cRLSign: true), usages: nil), name: name)
    }
}
