import Crypto
import CryptoExtras
package import X509

/// What kind of private key to make.
package enum KeyKind: Hashable, Sendable {
    case p256
    /// `RSAbits` of a Mesh: 2048…8192, a multiple of 8.
    case rsa(bits: Int)

    /// The kind a builtin CA asks for: P-256 unless `RSAbits` says otherwise.
    package init(rsaBits: Int?) throws(IdentityError) {
        guard let bits = rsaBits else {
            self = .p256
            return
        }
        guard (2048...8192).contains(bits), bits % 8 == 0 else {
            throw IdentityError(.unsupportedKey, "RSAbits is \(bits); use a multiple of 8 between 2048 and 8192")
        }
        self = .rsa(bits: bits)
    }

    /// A fresh key. The chance in it is the crypto library's own.
    package func makeKey() throws(IdentityError) -> Certificate.PrivateKey {
        switch self {
        case .p256:
            return Certificate.PrivateKey(P256.Signing.PrivateKey())
        case .rsa(let bits):
            do {
                return Certificate.PrivateKey(try _RSA.Signing.PrivateKey(keySize: .init(bitCount: bits)))
            } catch {
                throw IdentityError(.unsupportedKey, "could not make an RSA key of \(bits) bits: \(error)")
            }
        }
    }
}

extension Certificate.PublicKey {
    /// Why we do not sign this key, or nil when we do: P-256, P-384 and RSA of 2048 to 8192 bits are fine.
    var objection: String? {
        if P256.Signing.PublicKey(self) != nil || P384.Signing.PublicKey(self) != nil { return nil }
        guard let rsa = _RSA.Signing.PublicKey(self) else { return "the key is neither P-256, P-384 nor RSA" }
        return (2048...8192).contains(rsa.keySizeInBits) ? nil : "the RSA key has \(rsa.keySizeInBits) bits; use 2048 to 8192"
    }
}
