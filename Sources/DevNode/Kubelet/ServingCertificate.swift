import Crypto
import FoundationEssentials
import NIOSSL
import SwiftASN1
import X509

/// The certificate of the kubelet's own endpoint. Self-signed and made anew at each start, as a kubelet without a
/// signer does; API servers do not verify it unless told to.
enum ServingCertificate {
    static func configuration(name: String, address: String, now: Date) throws -> TLSConfiguration {
        let key = P256.Signing.PrivateKey()
        let certificateKey = Certificate.PrivateKey(key)
        let subject = try DistinguishedName { CommonName(name) }
        let bytes = address.split(separator: ".").compactMap { UInt8($0) }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: certificateKey.publicKey, notValidBefore: now.addingTimeInterval(-300),
            notValidAfter: now.addingTimeInterval(365 * 86400), issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try .init {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames([.dnsName(name), .dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: bytes[...]))])
            }, issuerPrivateKey: certificateKey)
        let chain = try NIOSSLCertificate(bytes: Array(certificate.serializeAsPEM().pemString.utf8), format: .pem)
        let privateKey = try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem)
        return .makeServerConfiguration(certificateChain: [.certificate(chain)], privateKey: .privateKey(privateKey))
    }
}
