package import Routing

/// What stands in front of a connection's bytes to say whose they are: HAProxy's PROXY protocol, version 2, the binary form.
/// Version 1 is text of no fixed length, has no checksum, and is refused.
///
///     12  signature            0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
///     1   version and command  0x20 = LOCAL, 0x21 = PROXY
///     1   family and protocol  0x00 = unspecified, 0x11 = TCP over IPv4, 0x21 = TCP over IPv6, 0x31 = stream of a Unix socket
///     2   length of what follows
///     n   addresses, source first; then ports: 12 bytes for IPv4, 36 for IPv6, 216 for Unix
///     …   extensions: 1 byte of type, 2 of length, the value
///
/// https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt
package struct ProxyHeader: Hashable, Sendable {
    /// Who connected, and to which address. Nil where the header doesn't say: the sender speaks for itself (LOCAL), or of
    /// something that has no IP address. Then the connection's own addresses hold.
    package var addresses: Addresses?

    package struct Addresses: Hashable, Sendable {
        package var source: IPEndpoint
        package var destination: IPEndpoint

        package init(source: IPEndpoint, destination: IPEndpoint) {
            self.source = source
            self.destination = destination
        }
    }

    /// The most bytes of a header that is accepted, extensions included. Senders are asked to stay below 536.
    package static var maxBytes: Int { 2048 }
    static var prefixSize: Int { 16 }
    static var signature: InlineArray<12, UInt8> {
        [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    }

    package init(_ addresses: Addresses? = nil) { self.addresses = addresses }
}

/// Why there is no usable header.
package enum ProxyHeaderProblem: Int32, Error, CaseIterable, Hashable, Sendable, CustomStringConvertible {
    case missing = 1, versionOne, version, command, family, tooShort, tooLong, brokenExtension, checksum

    package var description: String {
        switch self {
        case .missing: "the connection does not begin with a PROXY protocol header"
        case .versionOne: "the header is of PROXY protocol version 1; version 2 is needed"
        case .version: "the header's version is not 2"
        case .command: "the header's command is neither LOCAL nor PROXY"
        case .family: "the header speaks of another protocol than TCP"
        case .tooShort: "the header is too short for its addresses"
        case .tooLong: "the header is longer than \(ProxyHeader.maxBytes) bytes"
        case .brokenExtension: "an extension of the header breaks its length"
        case .checksum: "the header's checksum does not fit"
        }
    }
}
