import SwiftASN1
package import X509

/// A signing request that passed every check: what is left to use of it is the public key.
package struct SigningRequest: Sendable {
    package let publicKey: Certificate.PublicKey

    /// The checks, in order: PEM, signed by its own key, a key we sign, made by the proxy that sends it, so that
    /// whoever gets hold of another's request gets nothing for it, and exactly the names allowed.
    package init(pem: String, allowed: [String], from holder: Holder) throws(IdentityError) {
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
        let texts = (names.map(Array.init) ?? []).map(Self.text)
        let makers = texts.filter { $0.hasPrefix(Holder.prefix) }
        guard makers == [holder.uri] else {
            let all = makers.isEmpty ? "does not say which proxy made it" : "was made by \(makers.joined(separator: ", "))"
            throw IdentityError(.wrongHolder, "the certificate signing request \(all); it has to be made by \(holder.uri), which sends it")
        }
        let asked = texts.filter { !$0.hasPrefix(Holder.prefix) }
        guard asked == allowed else {
            let all = asked.isEmpty ? "nothing" : asked.joined(separator: ", ")
            throw IdentityError(
                .wrongName, "the certificate signing request asks for \(all); exactly \(allowed.joined(separator: ", ")) is allowed")
        }
        self.publicKey = request.publicKey
    }

    private static func text(_ name: GeneralName) -> String {
        if case .uniformResourceIdentifier(let uri) = name { uri } else { "\(name)" }
    }
}
