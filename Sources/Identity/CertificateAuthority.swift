package import FoundationEssentials
package import X509

/// A certificate that may sign others, with its private key.
package struct CertificateAuthority: Sendable, CustomStringConvertible {
    package let certificate: Certificate
    package let key: Certificate.PrivateKey
    /// Every certificate that came along, in its order: what is trusted, the one that signs among it.
    package let bundle: [Certificate]

    /// Reads both from PEM and proves that they belong together and may sign. Of several certificates the one of the key
    /// signs, wherever it stands, so that a rotation is one write: of a bundle, of the key, of a bundle again.
    /// - Parameter name: what the CA is called in errors: `the CA of mesh default`.
    package init(certificatePEM: String, keyPEM: String, name: String) throws(IdentityError) {
        let certificates = try Certificate.bundle(pem: certificatePEM, what: "the certificate of \(name)")
        let key = try Certificate.PrivateKey(pem: keyPEM, what: "the key of \(name)")
        guard let certificate = certificates.first(where: { $0.publicKey == key.publicKey }) else {
            throw IdentityError(.keyMismatch, "the certificate and the private key of \(name) do not belong together")
        }
        guard case .isCertificateAuthority? = try? certificate.extensions.basicConstraints else {
            throw IdentityError(.notAnAuthority, "the certificate of \(name) is not a CA certificate (basicConstraints CA:TRUE)")
        }
        self.certificate = certificate
        self.key = key
        self.bundle = certificates
    }

    private init(certificate: Certificate, key: Certificate.PrivateKey) {
        self.certificate = certificate
        self.key = key
        self.bundle = [certificate]
    }

    /// Names this authority among others of its mesh: the SHA-256 of its certificate.
    package var fingerprint: String { CertificateHash.of(pem: self.certificate.pem) ?? "" }

    /// A self-signed root.
    /// - Parameters:
    ///   - commonName: for people: the mesh's name.
    ///   - uris: the trust domain, `spiffe://<mesh>`; none for the control plane's serving CA.
    package static func make(
        commonName: String, uris: [String] = [], key: Certificate.PrivateKey, life: Duration, now: Date,
        serial: Certificate.SerialNumber
    ) throws(IdentityError) -> CertificateAuthority {
        do {
            let subject = try DistinguishedName {
                OrganizationName("Egret")
                CommonName(commonName)
            }
            let certificate = try Certificate(
                version: .v3, serialNumber: serial, publicKey: key.publicKey,
                notValidBefore: now.wholeSeconds - 10, notValidAfter: now.wholeSeconds + life.timeInterval,
                issuer: subject, subject: subject,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: key.publicKey)
                    if !uris.isEmpty { SubjectAlternativeNames(uris.map(GeneralName.uniformResourceIdentifier)) }
                },
                issuerPrivateKey: key)
            return CertificateAuthority(certificate: certificate, key: key)
        } catch {
            throw IdentityError(.malformed, "could not make the CA \(commonName): \(error)")
        }
    }

    /// The CA of a Mesh's builtin backend.
    package static func makeBuiltin(
        mesh: String, key: Certificate.PrivateKey, life: Duration, now: Date, serial: Certificate.SerialNumber
    ) throws(IdentityError) -> CertificateAuthority {
        try self.make(commonName: mesh, uris: ["spiffe://\(mesh)"], key: key, life: life, now: now, serial: serial)
    }

    package var description: String { "CertificateAuthority(\(self.certificate.subject), key: …)" }
}

extension Certificate {
    /// Its own key, as a word of sixteen digits by which those it signed name it; nil where it doesn't say.
    package var ownKey: String? {
        (try? self.extensions.subjectKeyIdentifier).map { Self.text(ofKeyID: $0.keyIdentifier) }
    }

    /// Which key signed it, in the same way.
    package var issuerKey: String? {
        (try? self.extensions.authorityKeyIdentifier)?.keyIdentifier.map { Self.text(ofKeyID: $0) }
    }

    private static func text(ofKeyID id: ArraySlice<UInt8>) -> String {
        id.prefix(8).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}

extension Date {
    /// Certificates count in whole seconds; so does everything compared with them.
    package var wholeSeconds: Date { Date(timeIntervalSince1970: self.timeIntervalSince1970.rounded(.down)) }
}

extension Duration {
    package var timeInterval: TimeInterval {
        TimeInterval(self.components.seconds) + TimeInterval(self.components.attoseconds) / 1e18
    }
}
