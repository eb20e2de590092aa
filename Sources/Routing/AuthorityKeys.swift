/// Which authorities of a mesh a proxy has to do with, by their keys as certificates name them. Control planes come and go, and who
/// still has a certificate of an authority that is to be distrusted, or does not trust one that is to sign, is the proxies' to say.
package struct AuthorityKeys: Codable, Hashable, Sendable {
    /// That of the proxy's own certificate; nil where it has none, or the certificate does not say.
    package var issuer: String?
    package var trusted: [String]

    package init(issuer: String? = nil, trusted: [String] = []) {
        self.issuer = issuer
        self.trusted = trusted
    }
}
