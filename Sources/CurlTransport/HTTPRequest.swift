package struct HTTPHeader: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// One request. Its description leaves out headers and query, which may hold secrets.
package struct HTTPRequest: Sendable, CustomStringConvertible {
    package var method: String
    /// Absolute, `http` or `https`, percent-encoded.
    package var url: String
    package var headers: [HTTPHeader]
    /// Nil sends no body at all; an empty one sends `content-length: 0`.
    package var body: [UInt8]?
    /// For `send`: from start to last byte. For `stream`: the longest silence, before the head and between chunks; there
    /// is no total limit. Nil waits for ever.
    package var timeout: Duration?
    package var connectTimeout: Duration
    package var tls: TLSSettings
    package var proxy: ProxyChoice
    /// Whether sending it twice does what sending it once does. Only such a request is sent again on a fresh connection
    /// when the one it was sent on turns out to be dead.
    package var isIdempotent: Bool

    package init(
        _ method: String = "GET", _ url: String, headers: [HTTPHeader] = [], body: [UInt8]? = nil, timeout: Duration? = .seconds(30),
        connectTimeout: Duration = .seconds(10), tls: TLSSettings = TLSSettings(), proxy: ProxyChoice = .environment,
        isIdempotent: Bool? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.connectTimeout = connectTimeout
        self.tls = tls
        self.proxy = proxy
        self.isIdempotent = isIdempotent ?? ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"].contains(method)
    }

    package var description: String {
        guard let url = SplitURL(self.url) else { return "\(self.method) \(self.url.prefix { $0 != "?" && $0 != "@" })" }
        return "\(self.method) \(url.scheme)://\(url.authority)\(url.rest.prefix { $0 != "?" && $0 != "#" })"
    }
}

package enum ProxyChoice: Hashable, Sendable {
    /// `https_proxy`, `http_proxy`, `no_proxy` as curl reads them; never for loopback addresses.
    case environment
    case none
    /// `http://host:port`, `https://…` or `socks5://…`.
    case url(String)
}

/// Whom to believe and who we are. Two requests share a connection only if their settings are equal.
package struct TLSSettings: Hashable, Sendable, CustomStringConvertible {
    /// PEM bundle. When given, nothing else is trusted; nil means the system's roots.
    package var ca: String?
    /// PEM certificate (chain) and key of ours.
    package var clientCertificate: String?
    package var clientKey: String?
    /// The name to ask for and to verify, when it is not the URL's host.
    package var serverName: String?
    /// Verify the chain and not the name: `ca` is of this one server, which goes by many names.
    package var skipsName: Bool
    /// Verify nothing. Only ever an explicit choice of the user.
    package var insecureSkipVerify: Bool

    package init(
        ca: String? = nil, clientCertificate: String? = nil, clientKey: String? = nil, serverName: String? = nil,
        skipsName: Bool = false, insecureSkipVerify: Bool = false
    ) {
        self.ca = ca
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
        self.serverName = serverName
        self.skipsName = skipsName
        self.insecureSkipVerify = insecureSkipVerify
    }

    package var description: String { "TLSSettings(key: …)" }
}
