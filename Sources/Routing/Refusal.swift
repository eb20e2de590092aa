package import ClientHello

/// Why a connection was refused or ended before its time: a closed list, used unchanged as metric label, log field and
/// the word users search for in the documentation (docs/refusals.md).
package enum RefusalReason: String, CaseIterable, Codable, Hashable, Sendable {
    // The client's first bytes.
    /// The listener wants a PROXY protocol header, and there is none or it breaks its own rules.
    case malformedProxyHeader = "malformed_proxy_header"
    case notTLS = "not_tls"
    case plaintextHTTP = "plaintext_http"
    case sslv2 = "sslv2"
    case malformedHello = "malformed_hello"
    case helloTooLarge = "hello_too_large"
    case helloTimeout = "hello_timeout"
    /// The client went away before its hello was complete.
    case clientGone = "client_gone"
    case noServerName = "no_sni"
    case emptyServerName = "empty_sni"
    case serverNameTooLong = "sni_too_long"
    case serverNameNotASCII = "non_ascii_sni"
    case invalidServerName = "invalid_sni"
    case ipLiteralServerName = "ip_literal_sni"
    case duplicateServerName = "duplicate_sni"

    // The table.
    case noRoute = "no_route"
    case noEndpoint = "no_endpoint"

    // The caller.
    case clientTLSFailed = "client_tls_failed"
    case noClientCertificate = "no_client_certificate"
    case untrustedClient = "untrusted_client"
    case notPermitted = "not_permitted"

    // The upstream.
    case connectFailed = "connect_failed"
    case connectTimeout = "connect_timeout"
    case nameNotResolved = "name_not_resolved"
    /// The host name leads only to addresses that the cluster's rules deny.
    case addressDenied = "address_denied"
    case clusterConnectionLimit = "cluster_connection_limit"
    case upstreamTLSFailed = "upstream_tls_failed"
    case untrustedUpstream = "untrusted_upstream"

    // This proxy.
    case noIdentity = "no_identity"
    case overloaded = "overloaded"
    case connectionLimit = "connection_limit"
    case draining = "draining"
}

extension RefusalReason {
    package init(_ refusal: HelloRefusal) {
        self =
            switch refusal {
            case .notTLS: .notTLS
            case .plaintextHTTP: .plaintextHTTP
            case .sslv2: .sslv2
            case .malformed: .malformedHello
            case .tooLarge: .helloTooLarge
            case .noServerName: .noServerName
            case .emptyServerName: .emptyServerName
            case .serverNameTooLong: .serverNameTooLong
            case .serverNameNotASCII: .serverNameNotASCII
            case .invalidServerName: .invalidServerName
            case .ipLiteralServerName: .ipLiteralServerName
            case .duplicateServerName: .duplicateServerName
            }
    }
}
