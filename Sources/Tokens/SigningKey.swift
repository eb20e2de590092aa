import CryptoExtras
import JWTKit

/// An RSA key that signs tokens, under the id that tokens name it by (`kid`). Its description never shows the key.
package struct SigningKey: Sendable, CustomStringConvertible {
    package let id: String
    let key: JWTKit.Insecure.RSA.PrivateKey
    private let backing: _RSA.Signing.PrivateKey

    /// A fresh key of 2048 bits.
    package init(id: String) throws(TokenKeyError) {
        do {
            try self.init(id: id, backing: _RSA.Signing.PrivateKey(keySize: .bits2048))
        } catch {
            throw TokenKeyError(description: "could not make the signing key \(id): \(error)")
        }
    }

    /// - Parameter pem: PKCS#8 or PKCS#1.
    package init(id: String, pem: String, what: String) throws(TokenKeyError) {
        do {
            try self.init(id: id, backing: _RSA.Signing.PrivateKey(pemRepresentation: pem))
        } catch {
            throw TokenKeyError(
                description: "\(what) is not an RSA private key in PEM of at least 2048 bits; egretctl generate signing-key makes one")
        }
    }

    private init(id: String, backing: _RSA.Signing.PrivateKey) throws {
        self.id = id
        self.backing = backing
        self.key = try JWTKit.Insecure.RSA.PrivateKey(backing: backing)
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
    let key: JWTKit.Insecure.RSA.PublicKey

    package init(id: String, pem: String, what: String) throws(TokenKeyError) {
        do {
            let backing = try _RSA.Signing.PublicKey(pemRepresentation: pem)
            guard backing.keySizeInBits >= 2048 else { throw TokenKeyError(description: "") }
            self.id = id
            self.key = try JWTKit.Insecure.RSA.PublicKey(backing: backing)
            self.pem = backing.pemRepresentation + "\n"
        } catch {
            throw TokenKeyError(
                description: "\(what) is not an RSA public key in PEM of at least 2048 bits; egretctl generate public-key makes one")
        }
    }
}

package struct TokenKeyError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}
