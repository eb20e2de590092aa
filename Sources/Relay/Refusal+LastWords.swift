import Routing

extension RefusalReason {
    /// What a refused client is told on a listener that takes TLS: a fatal alert (RFC 8446 section 6)
    ///
    ///     1   ContentType      21 = alert
    ///     2   version          3 3
    ///     2   length           2
    ///     1   level            2 = fatal
    ///     1   description
    ///
    /// `unrecognized_name` (RFC 6066 section 3) is the answer to whoever asked in TLS: nobody is served here under that
    /// name, be it that no rule has it, that its destination is out of reach, or that no name came in time. Why is our
    /// operator's to know, not the caller's. Only bytes that break the protocol are called what they are.
    var lastWords: StaticString {
        switch self {
        case .malformedHello, .helloTooLarge:
            // decode_error, which section 6.2 demands for what can't be parsed.
            "\u{15}\u{03}\u{03}\u{00}\u{02}\u{02}\u{32}"
        case .sslv2:
            // protocol_version: clients that open in this form and speak TLS too understand it.
            "\u{15}\u{03}\u{03}\u{00}\u{02}\u{02}\u{46}"
        case .plaintextHTTP:
            "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 23\r\n\r\nThis port speaks TLS.\r\n"
        case .malformedProxyHeader, .notTLS, .clientGone:
            ""
        case .helloTimeout, .noServerName, .emptyServerName, .serverNameTooLong, .serverNameNotASCII, .invalidServerName,
            .ipLiteralServerName, .duplicateServerName, .noRoute, .noEndpoint, .clientTLSFailed, .noClientCertificate, .untrustedClient,
            .notPermitted, .connectFailed, .connectTimeout, .nameNotResolved, .addressDenied, .clusterConnectionLimit,
            .upstreamTLSFailed, .untrustedUpstream, .noIdentity, .overloaded, .connectionLimit, .draining:
            "\u{15}\u{03}\u{03}\u{00}\u{02}\u{02}\u{70}"
        }
    }
}
