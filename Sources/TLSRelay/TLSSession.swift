import CNIOBoringSSL
import CNIOBoringSSLShims

/// TLS on one socket. Its bytes go through the thread's `Exchange`: before each call `input` holds what was received, after
/// it `output` what has to be sent.
final class TLSSession {
    enum Step {
        case wait
        case done
        case failed(String)
    }

    enum Reading {
        /// Everything that was complete has been read.
        case more
        /// The peer has said close_notify.
        case closed
        case failed(String)
    }

    /// `SSL *`, owned.
    private let ssl: OpaquePointer
    private let context: TLSContext
    private let exchange: Exchange
    private let name: ExpectedName
    private(set) var isEstablished = false
    /// Known once the handshake is done, where the context verifies.
    private(set) var peer: VerifiedPeer?
    private(set) var chainFailure: ChainFailure?

    /// - Parameters:
    ///   - serverName: sent in our hello; nil sends none.
    ///   - name: what the server's certificate has to be for.
    init(_ context: TLSContext, _ exchange: Exchange, serverName: String? = nil, name: ExpectedName = .any) {
        self.context = context
        self.exchange = exchange
        self.name = name
        self.ssl = SSL_new(context.context)!
        exchange.attach(to: self.ssl)
        // What only handshakes need goes with them.
        SSL_set_shed_handshake_config(self.ssl, 1)
        switch context.role {
        case .server: SSL_set_accept_state(self.ssl)
        case .client:
            SSL_set_connect_state(self.ssl)
            if let serverName { SSL_set_tlsext_host_name(self.ssl, serverName) }
        }
    }

    deinit { SSL_free(self.ssl) }

    func handshake() -> Step {
        self.exchange.session = self
        defer { self.exchange.session = nil }
        let status = SSL_do_handshake(self.ssl)
        guard status != 1 else {
            self.isEstablished = true
            // A resumed session's certificate was verified when the session began. Is it still good, under today's trust?
            if self.peer == nil, let verifier = self.context.verifier {
                self.keep(verifier.verify(SSL_get0_peer_certificates(self.ssl), name: self.name))
            }
            return .done
        }
        switch SSL_get_error(self.ssl, status) {
        case SSL_ERROR_WANT_READ: return .wait
        default: return .failed(BoringSSLErrors.take() ?? "the connection ended during the handshake")
        }
    }

    /// Decrypts into `exchange.plain` whatever of `exchange.input` is complete.
    func read() -> (count: Int, Reading) {
        var count = 0
        while count < self.exchange.plainCapacity {
            let status = SSL_read(self.ssl, self.exchange.plain + count, CInt(self.exchange.plainCapacity - count))
            if status > 0 {
                count += Int(status)
                continue
            }
            switch SSL_get_error(self.ssl, status) {
            case SSL_ERROR_WANT_READ: return (count, .more)
            case SSL_ERROR_ZERO_RETURN: return (count, .closed)
            default: return (count, .failed(BoringSSLErrors.take() ?? "TLS failed"))
            }
        }
        return (count, .more)
    }

    /// Encrypts into `exchange.output`. False when the session is broken.
    func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        SSL_write(self.ssl, bytes.baseAddress, CInt(bytes.count)) == CInt(bytes.count)
    }

    /// Says close_notify.
    func close() {
        guard self.isEstablished else { return }
        _ = SSL_shutdown(self.ssl)
        ERR_clear_error()
    }

    private func keep(_ result: Result<VerifiedPeer, ChainFailure>) {
        switch result {
        case .success(let peer): self.peer = peer
        case .failure(let failure): self.chainFailure = failure
        }
    }

    /// Called by BoringSSL in the middle of `handshake`.
    static func verify(_ ssl: OpaquePointer?, _ alert: UnsafeMutablePointer<UInt8>?) -> ssl_verify_result_t {
        guard let session = Exchange.of(SSL_get_rbio(ssl)).session, let verifier = session.context.verifier else {
            return ssl_verify_invalid
        }
        session.keep(verifier.verify(SSL_get0_peer_certificates(ssl), name: session.name))
        if let failure = session.chainFailure {
            alert?.pointee = failure.alert
            return ssl_verify_invalid
        }
        return ssl_verify_ok
    }
}
