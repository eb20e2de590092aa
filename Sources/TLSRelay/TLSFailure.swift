import NIOCore
import NIOPosix
import NIOSSL
import Routing

/// Names errors of sockets and TLS.
enum TLSFailure {
    /// Why the client's handshake failed.
    static func client(_ error: any Error) -> (reason: RefusalReason, detail: String) {
        let words = self.words(error)
        if words.contains("peer did not return a certificate") { return (.noClientCertificate, "the client sent no certificate") }
        if words.contains("certificate verify failed") {
            return (.untrustedClient, "the client's certificate is not valid under the mesh's CA")
        }
        return (.clientTLSFailed, words)
    }

    /// Why there is no connection to an endpoint.
    static func connect(_ error: any Error) -> (reason: RefusalReason, detail: String) {
        switch error {
        case ChannelError.connectTimeout: return (.connectTimeout, "no answer in time")
        case let error as NIOConnectionError:
            if error.connectionErrors.isEmpty, let cause = error.dnsAError ?? error.dnsAAAAError {
                return (.nameNotResolved, "\(error.host): \(self.words(cause))")
            }
            for failure in error.connectionErrors {
                if case ChannelError.connectTimeout = failure.error { return (.connectTimeout, "no answer in time") }
            }
            return (.connectFailed, error.connectionErrors.last.map { self.words($0.error) } ?? "no address to connect to")
        default: return (.connectFailed, self.words(error))
        }
    }

    /// Why TLS with an endpoint failed.
    static func upstream(_ error: any Error) -> (reason: RefusalReason, detail: String) {
        let words = self.words(error)
        switch error {
        case NIOSSLError.unableToValidateCertificate, NIOSSLError.noCertificateToValidate: return (.untrustedUpstream, words)
        case is UntrustedPeer: return (.untrustedUpstream, words)
        case let error as NIOSSLExtraError where error == .failedToValidateHostname || error == .serverHostnameImpossibleToMatch:
            return (.untrustedUpstream, "the server's certificate is for another name")
        default: return (words.contains("certificate verify failed") ? .untrustedUpstream : .upstreamTLSFailed, words)
        }
    }

    static func isTLS(_ error: any Error) -> Bool { error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError }

    /// An error for people: BoringSSL's reason without numbers and file names, a system error's own text.
    static func words(_ error: any Error) -> String {
        switch error {
        case let error as IOError: return self.lowercasedFirst("\(error)")
        case let error as UntrustedPeer: return error.description
        case NIOSSLError.uncleanShutdown: return "the connection ended without close_notify"
        case ChannelError.eof, ChannelError.ioOnClosedChannel: return "the connection was closed"
        default: break
        }
        let text = "\(error)"
        // "Error: 268435581 error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at /…/handshake.cc:298"
        let marker = "OPENSSL_internal:"
        let found = text.ranges(of: marker).map { range in
            text[range.upperBound...].prefix { $0 != " " && $0 != "]" && $0 != ")" }.lowercased().map { $0 == "_" ? " " : $0 }
        }
        if let reason = found.first { return String(reason) }
        if text.contains("EOF during handshake") { return "the connection ended during the handshake" }
        return text
    }

    private static func lowercasedFirst(_ text: String) -> String { text.prefix(1).lowercased() + text.dropFirst() }
}

/// The peer proved an identity, but not the one wanted.
struct UntrustedPeer: Error, CustomStringConvertible {
    let description: String
}
