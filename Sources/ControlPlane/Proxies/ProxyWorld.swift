package import FoundationEssentials
package import Identity
package import Planning
package import Routing
import X509

/// What the control plane knows about proxies at one moment: a value computed from the caches, replaced as a whole.
package protocol ProxyWorld: Sendable {
    /// The configuration of a proxy; nil when there is no such proxy (any more), which keeps what it was sent last.
    func config(for proxy: ProxyID) -> ProxyConfig?
    /// Which certificate a proxy may have in a mesh, and who signs it.
    func grant(for proxy: ProxyID, mesh: String) throws(AccessRefusal) -> CertificateGrant
    /// The number of a builtin authority in its Mesh, by its key as certificates name it.
    func generation(ofAuthority key: String, in mesh: String) -> Int?
}

/// A right to one certificate.
package struct CertificateGrant: Sendable {
    /// Its URIs are what the signing request has to name, exactly.
    package var profile: LeafProfile
    package var authority: CertificateAuthority

    package init(profile: LeafProfile, authority: CertificateAuthority) {
        self.profile = profile
        self.authority = authority
    }

    /// Signs a request that keeps to the grant. PEM, leaf first; a CA that is not its own root follows.
    package func sign(csr: String, from holder: Holder, now: Date) throws(IdentityError) -> String {
        let request = try SigningRequest(pem: csr, allowed: self.profile.uris, from: holder)
        let leaf = try self.authority.issue(self.profile, for: request.publicKey, now: now, serial: .random())
        let issuer = self.authority.certificate
        return leaf.pem + (issuer.issuer == issuer.subject ? "" : issuer.pem)
    }
}
