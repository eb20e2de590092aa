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
    /// or, to who doesn't speak TLS, nothing or HTTP.
    var lastWords: StaticString {
        switch self {
        case .noServerName, .emptyServerName, .serverNameTooLong, .serverNameNotASCII, .invalidServerName, .ipLiteralServerName,
            .duplicateServerName, .noRoute:
            "\u{15}\u{03}\u{03}\u{00}\u{02}\u{02}\u{70}"  // unrecognized_name
        case .malformedHello, .helloTooLarge:
            "\u{15}\u{03}\u{03}\u{00}\u{02}\u{02}\u{32}"  // decode_error
        case .plaintextHTTP:
            "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 23\r\n\r\nThis port speaks TLS.\r\n"
        case .malformedProxyHeader, .notTLS, .sslv2, .helloTimeout, .clientGone:
            ""
        case .noEndpoint, .clientTLSFailed, .noClientCertificate, .untrustedClient, .notPermitted, .connectFailed, .connectTimeout,
            .nameNotResolved, .addressDenied, .clusterConnectionLimit, .upstreamTLSFailed, .untrustedUpstream, .noIdentity, .overloaded,
            .connectionLimit, .draining:
            "\u{15}\u{03}\u{03}\u{00}\u{02}\u{02}\u{50}"  // internal_error
        }
    }
}
