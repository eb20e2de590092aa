package import FoundationEssentials
import SwiftASN1
package import X509

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What a leaf certificate says: decided by the control plane, never copied from a request.
package struct LeafProfile: Hashable, Sendable {
    package var uris: [String]
    package var dnsNames: [String]
    /// Literals; what is not an IP address is left out.
    package var ipAddresses: [String]
    package var life: Duration

    package init(uris: [String] = [], dnsNames: [String] = [], ipAddresses: [String] = [], life: Duration) {
        self.uris = uris
        self.dnsNames = dnsNames
        self.ipAddresses = ipAddresses
        self.life = life
    }

    package static let defaultLife = Duration.seconds(24 * 3600)
}

extension CertificateAuthority {
    /// Signs a leaf for `publicKey`. It starts 10 s in the past (clocks differ) and never outlives the CA.
    package func issue(
        _ profile: LeafProfile, for publicKey: Certificate.PublicKey, now: Date, serial: Certificate.SerialNumber
    ) throws(IdentityError) -> Certificate {
        let now = now.wholeSeconds
        guard now < self.certificate.notValidAfter else {
            throw IdentityError(
                .expired, "the CA certificate \(self.certificate.subject) ended at \(self.certificate.notValidAfter.formatted(.iso8601))")
        }
        let names =
            profile.uris.map(GeneralName.uniformResourceIdentifier) + profile.dnsNames.map(GeneralName.dnsName)
            + profile.ipAddresses.compactMap(addressBytes).map { GeneralName.ipAddress(ASN1OctetString(contentBytes: $0[...])) }
        do {
            return try Certificate(
                version: .v3, serialNumber: serial, publicKey: publicKey,
                notValidBefore: now - 10,
                notValidAfter: min(now + profile.life.timeInterval, self.certificate.notValidAfter),
                issuer: self.certificate.subject, subject: DistinguishedName(),
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true, keyEncipherment: true))
                    try ExtendedKeyUsage([.clientAuth, .serverAuth])
                    // Critical because the subject is empty (RFC 5280, 4.2.1.6).
                    Critical(SubjectAlternativeNames(names))
                    if let authority = try self.certificate.extensions.subjectKeyIdentifier {
                        AuthorityKeyIdentifier(keyIdentifier: authority.keyIdentifier)
                    }
                },
                issuerPrivateKey: self.key)
        } catch {
            throw IdentityError(.malformed, "could not sign a certificate: \(error)")
        }
    }
}

/// The 4 or 16 bytes of an IP address literal.
func addressBytes(_ literal: String) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, literal, &bytes) == 1 { return Array(bytes.prefix(4)) }
    if inet_pton(AF_INET6, literal, &bytes) == 1 { return bytes }
    return nil
}
