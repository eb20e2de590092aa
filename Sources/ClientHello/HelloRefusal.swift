/// Why a client's first bytes can't be routed. A closed list: each reason has a counter of its own.
package enum HelloRefusal: String, Error, CaseIterable, Hashable, Sendable {
    /// Neither TLS nor anything below.
    case notTLS = "not_tls"
    /// An HTTP request without TLS.
    case plaintextHTTP = "plaintext_http"
    /// A hello in the form of SSL 2 (RFC 6101 appendix E), which has no extensions and so no server name.
    case sslv2 = "sslv2"
    /// TLS that breaks its own length fields or rules.
    case malformed = "malformed_hello"
    case tooLarge = "hello_too_large"
    case noServerName = "no_sni"
    case emptyServerName = "empty_sni"
    /// Beyond 255 bytes.
    case serverNameTooLong = "sni_too_long"
    case serverNameNotASCII = "non_ascii_sni"
    /// ASCII, but no name: a control character, a space, an empty label.
    case invalidServerName = "invalid_sni"
    /// RFC 6066 section 3: literal addresses are not permitted.
    case ipLiteralServerName = "ip_literal_sni"
    /// RFC 6066 section 3: at most one name of a type.
    case duplicateServerName = "duplicate_sni"
}
