import CNIOBoringSSL
import CNIOBoringSSLShims
import Routing
import Synchronization

/// Verifies certificate chains against one set of CAs.
///
/// Callers come again and again with the same certificate, and a handshake's proof that they hold its key is made anew each
/// time, but the CA's signatures on it do not change: what was once found good is remembered by the digest of the exact
/// bytes, for as long as every certificate of the chain is valid. New trust is a new verifier, which remembers nothing.
///
/// Sendable because the store is only read after `init` (BoringSSL locks its caches), and the memory has a mutex.
final class ChainVerifier: @unchecked Sendable {
    enum Purpose { case clients, servers }

    private struct Key: Hashable {
        var chain: [UInt8]
        var name: ExpectedName
    }

    private static let capacity = 4096

    private let store: TrustStore
    private let purpose: Purpose
    /// Leaf certificates carry SPIFFE ids and obey the X.509-SVID rules.
    private let isMesh: Bool
    /// Seconds since 1970.
    private let clock: @Sendable () -> Int64
    private let known = Mutex<[Key: VerifiedPeer]>([:])

    init(_ store: TrustStore, _ purpose: Purpose, isMesh: Bool, clock: @escaping @Sendable () -> Int64) {
        self.clock = clock
        self.store = store
        self.purpose = purpose
        self.isMesh = isMesh
    }

    /// - Parameter chain: `STACK_OF(CRYPTO_BUFFER)`, leaf first, as the handshake got it.
    func verify(_ chain: OpaquePointer?, name: ExpectedName) -> Result<VerifiedPeer, ChainFailure> {
        guard let chain, CNIOBoringSSLShims_sk_CRYPTO_BUFFER_num(chain) > 0 else {
            return .failure(ChainFailure(reason: "there is no certificate", alert: UInt8(SSL_AD_CERTIFICATE_REQUIRED)))
        }
        let now = self.clock()
        let key = Key(chain: Self.digest(chain), name: name)
        if let peer = self.known.withLock({ $0[key] }), peer.isValid(at: now) { return .success(peer) }
        let result = self.check(chain, name: name, now: now)
        if case .success(let peer) = result {
            self.known.withLock { known in
                if known.count >= Self.capacity { known.removeAll(keepingCapacity: true) }
                known[key] = peer
            }
        }
        return result
    }

    /// SHA-256 over length and bytes of each certificate.
    private static func digest(_ chain: OpaquePointer) -> [UInt8] {
        var state = SHA256_CTX()
        SHA256_Init(&state)
        for index in 0..<CNIOBoringSSLShims_sk_CRYPTO_BUFFER_num(chain) {
            let certificate = CNIOBoringSSLShims_sk_CRYPTO_BUFFER_value(chain, index)
            var count = CRYPTO_BUFFER_len(certificate)
            SHA256_Update(&state, &count, MemoryLayout<Int>.size)
            SHA256_Update(&state, CRYPTO_BUFFER_data(certificate), count)
        }
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        SHA256_Final(&digest, &state)
        return digest
    }

    private func check(_ chain: OpaquePointer, name: ExpectedName, now: Int64) -> Result<VerifiedPeer, ChainFailure> {
        defer { ERR_clear_error() }
        let unreadable = ChainFailure(reason: "a certificate cannot be read", alert: UInt8(SSL_AD_DECODE_ERROR))
        guard let leaf = X509_parse_from_buffer(CNIOBoringSSLShims_sk_CRYPTO_BUFFER_value(chain, 0)) else { return .failure(unreadable) }
        defer { X509_free(leaf) }
        let others = CNIOBoringSSLShims_sk_X509_new_null()
        defer { CNIOBoringSSLShims_sk_X509_pop_free(others) { X509_free($0) } }
        for index in 1..<max(1, CNIOBoringSSLShims_sk_CRYPTO_BUFFER_num(chain)) {
            guard let other = X509_parse_from_buffer(CNIOBoringSSLShims_sk_CRYPTO_BUFFER_value(chain, index)) else {
                return .failure(unreadable)
            }
            CNIOBoringSSLShims_sk_X509_push(others, other)
        }

        let context = X509_STORE_CTX_new()
        defer { X509_STORE_CTX_free(context) }
        guard X509_STORE_CTX_init(context, self.store.store, leaf, others) == 1,
            X509_STORE_CTX_set_default(context, self.purpose == .clients ? "ssl_client" : "ssl_server") == 1
        else { return .failure(ChainFailure(reason: "it cannot be verified", alert: UInt8(SSL_AD_INTERNAL_ERROR))) }
        let parameters = X509_STORE_CTX_get0_param(context)
        // A root that the peer sends along must not keep us from finding our own.
        X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_TRUSTED_FIRST))
        X509_VERIFY_PARAM_set_time_posix(parameters, now)
        switch name {
        case .any: break
        case .host(let host):
            X509_VERIFY_PARAM_set_hostflags(
                parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
            guard X509_VERIFY_PARAM_set1_host(parameters, host, host.utf8.count) == 1 else {
                return .failure(ChainFailure(reason: "\(host) is no host name", alert: UInt8(SSL_AD_INTERNAL_ERROR)))
            }
        case .address(let bytes): X509_VERIFY_PARAM_set1_ip(parameters, bytes, bytes.count)
        // Looked at once the chain is good.
        case .either: break
        }
        guard X509_verify_cert(context) == 1 else {
            let code = X509_STORE_CTX_get_error(context)
            return .failure(
                ChainFailure(
                    reason: String(cString: X509_verify_cert_error_string(Int(code))), alert: UInt8(SSL_alert_from_verify_result(Int(code)))
                ))
        }
        if case .either(let one, let others) = name, !AlternativeNames.has(leaf, one, or: others) {
            return .failure(ChainFailure(reason: "none of its names is expected", alert: UInt8(SSL_AD_BAD_CERTIFICATE)))
        }
        return self.describe(leaf, X509_STORE_CTX_get0_chain(context))
    }

    private func describe(_ leaf: OpaquePointer, _ chain: OpaquePointer?) -> Result<VerifiedPeer, ChainFailure> {
        if self.isMesh, let reason = Self.unfitForMesh(leaf) {
            return .failure(ChainFailure(reason: reason, alert: UInt8(SSL_AD_BAD_CERTIFICATE)))
        }
        var peer = VerifiedPeer(names: self.isMesh ? Self.names(leaf) : [], notBefore: .min, notAfter: .max)
        for index in 0..<CNIOBoringSSLShims_sk_X509_num(chain) {
            let certificate = CNIOBoringSSLShims_sk_X509_value(chain, index)
            var (from, to) = (Int64.max, Int64.min)
            ASN1_TIME_to_posix(X509_get0_notBefore(certificate), &from)
            ASN1_TIME_to_posix(X509_get0_notAfter(certificate), &to)
            peer.notBefore = max(peer.notBefore, from)
            peer.notAfter = min(peer.notAfter, to)
        }
        return .success(peer)
    }

    /// X.509-SVID section 5.2: a leaf is no CA and may not sign certificates or revocations.
    private static func unfitForMesh(_ leaf: OpaquePointer) -> String? {
        let flags = X509_get_extension_flags(leaf)
        if flags & UInt32(EXFLAG_CA) != 0 { return "it is a CA's certificate, not a workload's" }
        // Without the extension every bit reads as set.
        if flags & UInt32(EXFLAG_KUSAGE) != 0, X509_get_key_usage(leaf) & UInt32(X509v3_KU_KEY_CERT_SIGN | X509v3_KU_CRL_SIGN) != 0 {
            return "its key may sign certificates, as no workload's may"
        }
        return nil
    }

    private static func names(_ leaf: OpaquePointer) -> [String] {
        guard let names = X509_get_ext_d2i(leaf, NID_subject_alt_name, nil, nil) else { return [] }
        let stack = OpaquePointer(names)
        defer { GENERAL_NAMES_free(stack) }
        var found: [String] = []
        for index in 0..<CNIOBoringSSLShims_sk_GENERAL_NAME_num(stack) {
            guard let name = CNIOBoringSSLShims_sk_GENERAL_NAME_value(stack, index), name.pointee.type == GEN_URI,
                let bytes = ASN1_STRING_get0_data(name.pointee.d.ia5)
            else { continue }
            let text = UnsafeBufferPointer(start: bytes, count: Int(ASN1_STRING_length(name.pointee.d.ia5)))
            let uri = String(decoding: text, as: UTF8.self)
            guard uri.hasPrefix(VerifiedPeer.idScheme) || uri.hasPrefix(CallerName.tagScheme) else { continue }
            // Control characters and what is not ASCII have no place in a URI (RFC 3986), but would have in our log.
            if text.allSatisfy({ (0x21...0x7e).contains($0) }) { found.append(uri) }
        }
        return found
    }
}
