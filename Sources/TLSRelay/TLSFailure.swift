import Glibc
import Routing

/// Names errors of sockets and TLS.
enum TLSFailure {
    /// Why the client's handshake failed.
    static func client(_ words: String, _ chain: ChainFailure?) -> (reason: RefusalReason, detail: String) {
        if words == "peer did not return a certificate" { return (.noClientCertificate, "the client sent no certificate") }
        if let chain { return (.untrustedClient, "the client's certificate is not valid under the mesh's CA: \(chain.reason)") }
        return (.clientTLSFailed, words)
    }

    /// Why TLS with an endpoint failed.
    static func upstream(_ words: String, _ chain: ChainFailure?) -> AttemptError {
        if let chain { return AttemptError(.untrustedUpstream, "the server's certificate is not valid: \(chain.reason)") }
        // RFC 6066 section 3: what egresses and ingresses say before TLS, whatever is behind it.
        if words.hasSuffix("unrecognized name") {
            return AttemptError(.upstreamTLSFailed, "\(words); if an egress or ingress is there, its log says why")
        }
        return AttemptError(.upstreamTLSFailed, words)
    }

    /// A system error's own text.
    static func words(errno: Int32) -> String {
        let text = String(cString: strerror(errno))
        return text.prefix(1).lowercased() + text.dropFirst()
    }
}
