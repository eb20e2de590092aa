import CNIOBoringSSL
import Routing

/// One way of speaking TLS, shared by all connections that do: protocol rules, our certificate, whom to believe.
///
/// TLS 1.2 and 1.3. No early data and no renegotiation: both are off in BoringSSL unless asked for. AES-128 comes first: as
/// safe as AES-256 for this use (RFC 8446 demands it), a fifth cheaper in bulk, and its SHA-256 has instructions of its own in
/// most processors where SHA-384 has none.
///
/// Sendable because nothing changes it after `init`, and BoringSSL's contexts are made for sharing between threads.
final class TLSContext: @unchecked Sendable {
    enum Role { case server, client }

    /// `SSL_CTX *`, owned.
    let context: OpaquePointer
    let role: Role
    /// Nil: nothing is verified, by an explicit choice.
    let verifier: ChainVerifier?

    init(
        _ role: Role, certificate: (chain: Certificates, key: PrivateKey)?, verifier: ChainVerifier?, protocols: [String] = [],
        isLegacyAllowed: Bool = false, versions: (min: ExternalTLS.Version, max: ExternalTLS.Version) = (.v12, .v13)
    ) throws(InvalidCredentials) {
        self.context = SSL_CTX_new(TLS_with_buffers_method())!
        self.role = role
        self.verifier = verifier
        SSL_CTX_set_min_proto_version(self.context, Self.number(versions.min))
        SSL_CTX_set_max_proto_version(self.context, Self.number(versions.max))
        let ciphers: [UInt16] = [0x1301, 0x1302, 0x1303]
        precondition(SSL_CTX_set1_tls13_ciphers(self.context, ciphers, nil, ciphers.count) == 1)
        precondition(SSL_CTX_set_strict_cipher_list(self.context, isLegacyAllowed ? Self.allCiphers : Self.modernCiphers) == 1)
        SSL_CTX_set0_buffer_pool(self.context, Self.pool)
        if let (chain, key) = certificate { try self.present(chain, key) }

        if verifier != nil {
            SSL_CTX_set_custom_verify(self.context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT) { ssl, alert in
                TLSSession.verify(ssl, alert)
            }
        } else {
            SSL_CTX_set_custom_verify(self.context, SSL_VERIFY_PEER) { _, _ in ssl_verify_ok }
        }
        // Sessions live in tickets that clients keep, sealed under keys of this context alone: sessions of other trust or
        // another certificate cannot come back. One ticket, not the usual two: few clients open connections in pairs.
        SSL_CTX_set_session_cache_mode(self.context, SSL_SESS_CACHE_OFF)
        SSL_CTX_set_num_tickets(self.context, 1)
        let name = Array("egret".utf8)
        SSL_CTX_set_session_id_context(self.context, name, name.count)

        if !protocols.isEmpty {
            let wire = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
            precondition(SSL_CTX_set_alpn_protos(self.context, wire, wire.count) == 0)
        }
    }

    deinit { SSL_CTX_free(self.context) }

    private static func number(_ version: ExternalTLS.Version) -> UInt16 {
        switch version {
        case .v12: UInt16(TLS1_2_VERSION)
        case .v13: UInt16(TLS1_3_VERSION)
        }
    }

    private func present(_ chain: Certificates, _ key: PrivateKey) throws(InvalidCredentials) {
        let done = chain.withBuffers { SSL_CTX_set_chain_and_key(self.context, $0, $0.count, key.key, nil) }
        guard done != 1 else { return }
        let reason = BoringSSLErrors.take() ?? "unknown reason"
        let owner = chain.all.firstIndex { X509_check_private_key($0, key.key) == 1 }
        ERR_clear_error()
        throw InvalidCredentials(
            reason: (owner ?? 0) > 0
                ? "the chain is in the wrong order: the certificate of the private key is number \(owner! + 1) and must be first"
                : "certificate and private key do not fit together (\(reason))")
    }

    private static let modernCiphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
        + ":ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
    /// For servers of the world outside, some of which have nothing better with TLS 1.2.
    private static let allCiphers =
        modernCiphers + ":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"
        + ":AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA"

    /// Peers' certificates, once each however many connections have them. Locked by BoringSSL; never freed.
    nonisolated(unsafe) private static let pool: OpaquePointer? = CRYPTO_BUFFER_POOL_new()
}
