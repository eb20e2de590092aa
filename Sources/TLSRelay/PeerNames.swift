import NIOSSL
import Routing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension NIOSSLCertificate {
    private func names(_ type: _SubjectAlternativeName.NameType) -> [[UInt8]] {
        self._subjectAlternativeNames().filter { $0.nameType == type }.map { Array($0.contents) }
    }

    /// The SPIFFE ids the certificate speaks for. A workload of several services has several.
    var spiffeIDs: [String] {
        self.names(.uri).map { String(decoding: $0, as: UTF8.self) }.filter { $0.hasPrefix("spiffe://") }
    }

    /// Whether the certificate is for this IP address.
    func isFor(ipAddress literal: String) -> Bool {
        guard let wanted = addressBytes(literal) else { return false }
        return self.names(.ipAddress).contains(wanted)
    }

    /// The chain was verified when the session began; a resumed session may have outlived the certificate.
    func isValid(at now: Int) -> Bool { self.notValidBefore <= now && now <= self.notValidAfter }
}

/// The 4 or 16 bytes of an IP address literal; nil for anything else, such as a host name.
func addressBytes(_ literal: String) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, literal, &bytes) == 1 { return Array(bytes.prefix(4)) }
    if inet_pton(AF_INET6, literal, &bytes) == 1 { return bytes }
    return nil
}

extension ExternalTLS {
    /// The server name to send and verify as a host name; nil where it is an IP address or not given.
    var hostName: String? { self.serverName.flatMap { addressBytes($0) == nil ? $0 : nil } }
}

func secondsSince1970() -> Int { Int(time(nil)) }
