import Routing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

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
