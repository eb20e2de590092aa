import CNIOBoringSSL
import CNIOBoringSSLShims
import Glibc

/// CAs to believe.
///
/// Sendable because nothing is added after `init`; BoringSSL locks what it caches.
final class TrustStore: @unchecked Sendable {
    /// `X509_STORE *`, owned.
    let store: OpaquePointer

    init(_ certificates: Certificates) {
        self.store = X509_STORE_new()!
        for certificate in certificates.all { X509_STORE_add_cert(self.store, certificate) }
    }

    /// The CAs this machine believes: the file that `SSL_CERT_FILE` names, or the first found where Linux systems keep theirs.
    init(system environment: [String: String]) throws(InvalidCredentials) {
        self.store = X509_STORE_new()!
        let named = environment["SSL_CERT_FILE"]
        for path in named.map({ [$0] }) ?? Self.systemFiles where access(path, R_OK) == 0 {
            if X509_STORE_load_locations(self.store, path, nil) == 1 { return }
            _ = BoringSSLErrors.take()
        }
        // The store goes with `self`, whose `deinit` runs although this throws.
        throw InvalidCredentials(
            reason: named.map { "SSL_CERT_FILE names \($0), which has no CA certificates" }
                ?? "this machine has no CA certificates (install ca-certificates, name a file by SSL_CERT_FILE, or give the CA)")
    }

    deinit { X509_STORE_free(self.store) }

    /// Debian, Alpine and Gentoo; Fedora and RHEL (old, new); openSUSE; Alpine's own; OpenSSL's default.
    private static let systemFiles = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem", "/usr/lib/ssl/cert.pem",
    ]
}
