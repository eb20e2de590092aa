import SwiftASN1
package import X509

/// A signing request that passed every check: what is left to use of it is the public key and the name it asked for.
package struct SigningRequest: Sendable {
    package let publicKey: Certificate.PublicKey
    package let spiffeID: String

    /// The checks, in order: PEM, signed by its own key, a key we sign, and exactly the one name allowed.
    package init(pem: String, allowed spiffeID: String) throws(IdentityError) {
        let request: CertificateSigningRequest
        do {
            request = try CertificateSigningRequest(pemEncoded: pem)
        } catch {
            throw IdentityError(.malformed, "the certificate signing request is not PEM of PKCS#10: \(error)")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw IdentityError(.badSignature, "the certificate signing request is not signed by its own key")
        }
        if let objection = request.publicKey.objection {
            throw IdentityError(.unsupportedKey, "the certificate signing request is refused: \(objection)")
        }
        let names: SubjectAlternativeNames?
        do {
            names = try request.attributes.extensionRequest?.extensions.subjectAlternativeNames
        } catch {
            throw IdentityError(.malformed, "the names in the certificate signing request cannot be read: \(error)")
        }
        guard let names, names.elementsEqual([.uniformResourceIdentifier(spiffeID)]) else {
            let asked = names.map { $0.map(Self.text).joined(separator: ", ") } ?? "nothing"
            throw IdentityError(.wrongName, "the certificate signing request asks for \(asked); only \(spiffeID) is allowed")
        }
        self.publicKey = request.publicKey
        self.spiffeID = spiffeID
    }

    private static func text(_ name: GeneralName) -> String {
        if case .uniformResourceIdentifier(let uri) = name { uri } else { "\(name)" }
    }
}
