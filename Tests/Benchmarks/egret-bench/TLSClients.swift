import COpenSSL
import Glibc

/// The TLS side of clients that present a certificate of the mesh.
///
/// TLS 1.3, AES-128-GCM and X25519 are all they offer, so every proxy does the same arithmetic; no session is kept, so every
/// handshake is a full one. They don't verify the proxy's certificate: that would cost the generator only.
struct TLSClients {
    private let context: OpaquePointer
    private let serverName: String

    init(certificate: String?, key: String?, serverName: String) throws(TLSSetupFailure) {
        guard let context = SSL_CTX_new(TLS_client_method()), bench_ssl_only_tls13(context) == 1,
            SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1, bench_ssl_set_groups(context, "X25519") == 1
        else { throw TLSSetupFailure("OpenSSL offers no TLS 1.3 with AES-128-GCM and X25519") }
        bench_ssl_set_modes(context)
        if let certificate, let key {
            guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1,
                SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1
            else { throw TLSSetupFailure("\(certificate) and \(key) are no certificate and key that OpenSSL can use") }
        }
        self.context = context
        self.serverName = serverName
    }

    func session(on fd: Int32) -> OpaquePointer {
        let ssl = SSL_new(self.context)!
        SSL_set_fd(ssl, fd)
        SSL_set_connect_state(ssl)
        bench_ssl_set_server_name(ssl, self.serverName)
        return ssl
    }
}

struct TLSSetupFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

enum TLSStep {
    case done(Int)
    /// The socket has to be readable or writable first.
    case later
    case failed(String)

    /// Reads what an SSL_ function returned.
    init(_ result: Int32, _ ssl: OpaquePointer) {
        if result > 0 {
            self = .done(Int(result))
            return
        }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: self = .later
        case SSL_ERROR_ZERO_RETURN: self = .failed("closed by close_notify")
        case SSL_ERROR_SSL:
            var text = [CChar](repeating: 0, count: 256)
            ERR_error_string_n(ERR_peek_last_error(), &text, text.count)
            self = .failed(String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
        default: self = .failed("the connection broke")
        }
        ERR_clear_error()
    }
}
