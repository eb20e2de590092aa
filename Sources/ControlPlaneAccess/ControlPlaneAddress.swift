/// How to reach a control plane and prove who we are.
package struct ControlPlaneAddress: Sendable {
    /// `https://host:port`, without a trailing slash.
    package var url: String
    /// PEM; nil means the one that the token names, or the system's roots.
    package var ca: TextSource?
    package var skipVerify: Bool
    package var token: TextSource?

    package init(url: String, ca: TextSource? = nil, skipVerify: Bool = false, token: TextSource? = nil) {
        self.url = url
        self.ca = ca
        self.skipVerify = skipVerify
        self.token = token
    }

    /// Token and CA as they are now, to see whether they have changed.
    package var credentials: [String?] { [try? self.token?.read("token"), try? self.ca?.read("CA")] }
}
