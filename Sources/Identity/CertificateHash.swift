import Crypto
import FoundationEssentials

/// The hash by which a token names a CA: lower-case hex SHA-256 of the certificate in DER.
package enum CertificateHash {
    package static func of(der: some Sequence<UInt8>) -> String {
        SHA256.hash(data: Data(der)).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// Of the first certificate of a bundle; nil where there is none.
    package static func of(pem: String) -> String? {
        guard let start = pem.firstRange(of: "-----BEGIN CERTIFICATE-----"), let end = pem.firstRange(of: "-----END CERTIFICATE-----"),
            start.upperBound < end.lowerBound
        else { return nil }
        return Data(base64Encoded: pem[start.upperBound..<end.lowerBound].filter { !$0.isWhitespace }).map { Self.of(der: $0) }
    }
}
