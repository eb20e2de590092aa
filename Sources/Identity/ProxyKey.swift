import Crypto
import SwiftASN1
package import X509

/// A proxy's own key. It is made where it is used and never travels: the control plane sees only signing requests.
package struct ProxyKey: Sendable, CustomStringConvertible {
    package let key: Certificate.PrivateKey

    /// A fresh P-256 key.
    package init() { self.key = Certificate.PrivateKey(P256.Signing.PrivateKey()) }

    package init(_ key: Certificate.PrivateKey) { self.key = key }

    package var pem: String { self.key.pem }

    /// A PKCS#10 request with exactly these names and who asks, as PEM. The signature covers both.
    package func signingRequest(names: [String], holder: Holder) -> String {
        do {
            let extensions = try Certificate.Extensions {
                Critical(SubjectAlternativeNames((names + [holder.uri]).map(GeneralName.uniformResourceIdentifier)))
            }
            let request = try CertificateSigningRequest(
                version: .v1, subject: DistinguishedName(), privateKey: self.key,
                attributes: .init([.init(ExtensionRequest(extensions: extensions))]))
            return try request.serializeAsPEM().pemString + "\n"
        } catch {
            preconditionFailure("a signing request always serialises: \(error)")
        }
    }

    package var description: String { "ProxyKey(…)" }
}
