import Routing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension ExternalTLS {
    /// The server name to send and verify as a host name; nil where it is an IP address or not given.
    var hostName: String? { self.serverName.flatMap { IPEndpoint(address: $0, port: 0) == nil ? $0 : nil } }
}
