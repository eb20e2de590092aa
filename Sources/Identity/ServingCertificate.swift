package import FoundationEssentials
package import X509

/// The control plane's own TLS identity: a CA of its own, which proxies trust, and a certificate from it. This is the content
/// of one Secret, which every replica shares.
package struct ServingCertificate: Sendable, CustomStringConvertible {
    package let authority: CertificateAuthority
    package let certificate: Certificate
    package let key: Certificate.PrivateKey

    package static let authorityLife = Duration.seconds(3650 * 86400)
    package static let life = Duration.seconds(365 * 86400)

    /// The names under which proxies and people reach the control plane's Service in `namespace`.
    package static func dnsNames(service: String = "egret-control-plane", namespace: String) -> [String] {
        ["", ".\(namespace)", ".\(namespace).svc", ".\(namespace).svc.cluster.local"].map { service + $0 } + ["localhost"]
    }

    /// From nothing: a new CA, a new key, a new certificate.
    package static func make(dnsNames: [String], ipAddresses: [String], now: Date) throws(IdentityError) -> ServingCertificate {
        let authority = try CertificateAuthority.make(
            commonName: "egret-control-plane", key: try KeyKind.p256.makeKey(), life: self.authorityLife, now: now, serial: .random())
        return try self.issue(by: authority, dnsNames: dnsNames, ipAddresses: ipAddresses, now: now)
    }

    /// The same CA with a new key and certificate: whoever trusts the CA notices nothing.
    package func renewed(dnsNames: [String], ipAddresses: [String], now: Date) throws(IdentityError) -> ServingCertificate {
        try Self.issue(by: self.authority, dnsNames: dnsNames, ipAddresses: ipAddresses, now: now)
    }

    private static func issue(
        by authority: CertificateAuthority, dnsNames: [String], ipAddresses: [String], now: Date
    ) throws(IdentityError) -> ServingCertificate {
        let key = try KeyKind.p256.makeKey()
        let profile = LeafProfile(dnsNames: dnsNames, ipAddresses: ipAddresses, life: self.life)
        let certificate = try authority.issue(profile, for: key.publicKey, now: now, serial: .random())
        return ServingCertificate(authority: authority, certificate: certificate, key: key)
    }

    private init(authority: CertificateAuthority, certificate: Certificate, key: Certificate.PrivateKey) {
        self.authority = authority
        self.certificate = certificate
        self.key = key
    }

    /// Reads the four PEM texts of the Secret and proves that they belong together.
    package init(certificatePEM: String, keyPEM: String, authorityPEM: String, authorityKeyPEM: String) throws(IdentityError) {
        self.authority = try CertificateAuthority(
            certificatePEM: authorityPEM, keyPEM: authorityKeyPEM, name: "the control plane's serving CA")
        self.certificate = try Certificate.bundle(pem: certificatePEM, what: "the control plane's serving certificate")[0]
        self.key = try Certificate.PrivateKey(pem: keyPEM, what: "the control plane's serving key")
        guard self.certificate.publicKey == self.key.publicKey else {
            throw IdentityError(.keyMismatch, "the control plane's serving certificate and key do not belong together")
        }
        guard self.authority.certificate.publicKey.isValidSignature(self.certificate.signature, for: self.certificate) else {
            throw IdentityError(.keyMismatch, "the control plane's serving certificate is not signed by the CA beside it")
        }
    }

    /// Whether it is time for `renewed`: 4/5 of its life are over, or it lacks a name.
    package func needsRenewal(dnsNames: [String], now: Date) -> Bool {
        if now >= Renewal.date(of: self.certificate, jitter: 0) { return true }
        let names = (try? self.certificate.extensions.subjectAlternativeNames).flatMap { $0 }.map(Array.init) ?? []
        return !dnsNames.allSatisfy { names.contains(.dnsName($0)) }
    }

    package var description: String { "ServingCertificate(until \(self.certificate.notValidAfter), key: …)" }
}
