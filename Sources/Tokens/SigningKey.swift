import Crypto
import CryptoExtras
import FoundationEssentials

/// An RSA key that signs tokens, under the id that tokens name it by (`kid`). Its description never shows the key.
package struct SigningKey: Sendable, CustomStringConvertible {
    package let id: String
    private let backing: _RSA.Signing.PrivateKey

    /// A fresh key of 2048 bits.
    package init(id: String) throws(TokenKeyError) {
        do {
            self.id = id
            self.backing = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        } catch {
            throw TokenKeyError(description: "could not make the signing key \(id): \(error)")
        }
    }

    /// - Parameter pem: PKCS#8 or PKCS#1.
    package init(id: String, pem: String, what: String) throws(TokenKeyError) {
        do {
            let backing = try _RSA.Signing.PrivateKey(pemRepresentation: pem)
            guard backing.keySizeInBits >= 2048 else { throw TokenKeyError(description: "") }
            self.id = id
            self.backing = backing
        } catch {
            throw TokenKeyError(
                description: "\(what) is not an RSA private key in PEM of at least 2048 bits; egretctl generate signing-key makes one")
        }
    }

    /// RSASSA-PKCS1-v1_5 over SHA-256 (RFC 7518, section 3.3).
    func signature(of data: Data) throws -> Data {
        try self.backing.signature(for: SHA256.hash(data: data), padding: .insecurePKCS1v1_5).rawRepresentation
    }

    package var pem: String { self.backing.pemRepresentation + "\n" }

    package var verificationKey: VerificationKey {
        get throws(TokenKeyError) {
            try VerificationKey(id: self.id, pem: self.backing.publicKey.pemRepresentation, what: "the public key of \(self.id)")
        }
    }

    package var description: String { "SigningKey(\(self.id), key: …)" }
}

/// The public half, which proves tokens.
package struct VerificationKey: Sendable {
    package let id: String
    package let pem: String
    private let key: _RSA.Signing.PublicKey

    package init(id: String, pem: String, what: String) throws(TokenKeyError) {
        do {
            let backing = try _RSA.Signing.PublicKey(pemRepresentation: pem)
            guard backing.keySizeInBits >= 2048 else { throw TokenKeyError(description: "") }
            self.id = id
            self.key = backing
            self.pem = backing.pemRepresentation + "\n"
        } catch {
            throw TokenKeyError(
                description: "\(what) is not an RSA public key in PEM of at least 2048 bits; egretctl generate public-key makes one")
        }
    }

    func proves(_ signature: Data, of data: Data) -> Bool {
        self.key.isValidSignature(
            _RSA.Signing.RSASignature(rawRepresentation: signature), for: SHA256.hash(data: data), padding: .insecurePKCS1v1_5)
    }
}

package struct TokenKeyError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}
