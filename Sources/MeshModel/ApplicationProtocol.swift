/// What a service speaks. Egret relays bytes and reads none of it; what it decides is the protocol that TLS offers.
package enum ApplicationProtocol: String, Hashable, Sendable {
    case tcp, http, http2, grpc, kafka

    /// For the ALPN extension (RFC 7301) of a TLS connection to the service.
    package var alpn: [String] {
        switch self {
        case .tcp, .kafka: []
        case .http: ["http/1.1"]
        case .http2, .grpc: ["h2"]
        }
    }

    /// Requests that Kuma's egress would rewrite the host of.
    package var isHTTP: Bool { !self.alpn.isEmpty }
}
