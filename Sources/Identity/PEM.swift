import SwiftASN1
package import X509

extension Certificate {
    /// Every certificate of a PEM bundle, in order. `what` names the text in the error: `secret default.ca-builtin-cert-ca-1`.
    package static func bundle(pem: String, what: String) throws(IdentityError) -> [Certificate] {
        let certificates: [Certificate]
        do {
            certificates = try PEMDocument.parseMultiple(pemString: pem).map { try Certificate(pemDocument: $0) }
        } catch {
            // What the parser says speaks of its own source.
            throw IdentityError(.malformed, "\(what) is not a PEM certificate")
        }
        guard !certificates.isEmpty else { throw IdentityError(.malformed, "\(what) holds no PEM certificate") }
        return certificates
    }

    package var pem: String {
        guard let document = try? self.serializeAsPEM() else { preconditionFailure("a certificate always serialises") }
        return document.pemString + "\n"
    }
}

extension Certificate.PrivateKey {
    /// The error never quotes the text: it may be half a key.
    package init(pem: String, what: String) throws(IdentityError) {
        do {
            self = try Certificate.PrivateKey(pemEncoded: pem)
        } catch {
            throw IdentityError(.malformed, "\(what) is not a PEM private key (PKCS#8, SEC1 or PKCS#1)")
        }
    }

    package var pem: String {
        guard let document = try? self.serializeAsPEM() else { preconditionFailure("a software key always serialises") }
        return document.pemString + "\n"
    }
}
