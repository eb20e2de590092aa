import CNIOBoringSSL
import CNIOBoringSSLShims

/// Certificates of a PEM text, leaf first where they are a chain.
///
/// Sendable because nothing changes them after `init`, and BoringSSL counts references atomically.
final class Certificates: @unchecked Sendable {
    /// `X509 *`, owned.
    let all: [OpaquePointer]

    /// - Throws: `InvalidCredentials` where the text has no certificate, or one that cannot be read.
    init(pem: String) throws(InvalidCredentials) {
        let bytes = Array(pem.utf8)
        let bio = BIO_new_mem_buf(bytes, bytes.count)
        defer { BIO_free(bio) }
        var all: [OpaquePointer] = []
        while let certificate = PEM_read_bio_X509(bio, nil, nil, nil) { all.append(certificate) }
        // The end of the text is an error too, called "no start line".
        let reason = BoringSSLErrors.take()
        self.all = all
        if all.isEmpty || (reason != nil && reason != "no start line") {
            throw InvalidCredentials(reason: "it is not a PEM certificate bundle")
        }
    }

    deinit { for certificate in self.all { X509_free(certificate) } }

    /// Calls `body` with the certificates in the form that handshakes send: `CRYPTO_BUFFER *`, valid during the call.
    func withBuffers<Result>(_ body: ([OpaquePointer?]) throws -> Result) rethrows -> Result {
        let buffers = self.all.map { certificate in
            var bytes: UnsafeMutablePointer<UInt8>?
            let count = i2d_X509(certificate, &bytes)
            defer { OPENSSL_free(bytes) }
            return CRYPTO_BUFFER_new(bytes, max(0, Int(count)), nil)
        }
        defer { for buffer in buffers { CRYPTO_BUFFER_free(buffer) } }
        return try body(buffers)
    }
}

/// A private key of a PEM text: PKCS#8 (RFC 5208), SEC1 (RFC 5915) or PKCS#1 (RFC 8017).
///
/// Sendable because nothing changes it after `init`.
final class PrivateKey: @unchecked Sendable {
    /// `EVP_PKEY *`, owned.
    let key: OpaquePointer

    init(pem: String) throws(InvalidCredentials) {
        if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
            throw InvalidCredentials(
                reason: "the private key is encrypted; store it without a passphrase (openssl pkey -in KEY -out PLAIN)")
        }
        let bytes = Array(pem.utf8)
        let bio = BIO_new_mem_buf(bytes, bytes.count)
        defer { BIO_free(bio) }
        // An answer of -1 for a passphrase: nobody can type one here.
        guard let key = PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil) else {
            _ = BoringSSLErrors.take()
            throw InvalidCredentials(reason: "the private key is not PEM in PKCS#8, SEC1 or PKCS#1 form")
        }
        self.key = key
    }

    deinit { EVP_PKEY_free(self.key) }
}

package struct InvalidCredentials: Error, Hashable, CustomStringConvertible {
    package let reason: String
    package var description: String { self.reason }
}
