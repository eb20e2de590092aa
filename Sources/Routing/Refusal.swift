/// Why a connection was refused or ended before its time: a closed list, used unchanged as metric label, log field and
/// the word users search for in the documentation (docs/refusals.md).
package enum RefusalReason: String, CaseIterable, Codable, Hashable, Sendable {
    // The client's first bytes.
    case notTLS = "not_tls"
    case malformedHello = "malformed_hello"
    case helloTooLarge = "hello_too_large"
    case helloTimeout = "hello_timeout"
    case noServerName = "no_sni"
    case invalidServerName = "invalid_sni"
    case ipLiteralServerName = "ip_literal_sni"

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
    case upstreamTLSFailed = "upstream_tls_failed"
    case untrustedUpstream = "untrusted_upstream"

    // This proxy.
    case noIdentity = "no_identity"
    case overloaded = "overloaded"
    case draining = "draining"
}
