/// What a ClientHello says about itself, as far as a proxy that doesn't own the certificate may care. No references, no
/// allocation.
package struct ClientHello: Hashable, Sendable {
    package var serverName: ServerName
    package var alpn: ALPNOffer
    package var ech: EncryptedClientHello
    package var versions: TLSVersions
    /// A key share for a post-quantum group is there (ML-KEM alone or in a hybrid).
    package var hasPostQuantumKeyShare: Bool

    package init(
        serverName: ServerName, alpn: ALPNOffer = ALPNOffer(), ech: EncryptedClientHello = .none, versions: TLSVersions = [],
        hasPostQuantumKeyShare: Bool = false
    ) {
        self.serverName = serverName
        self.alpn = alpn
        self.ech = ech
        self.versions = versions
        self.hasPostQuantumKeyShare = hasPostQuantumKeyShare
    }
}

/// The `encrypted_client_hello` extension (draft-ietf-tls-esni).
package enum EncryptedClientHello: UInt8, Hashable, Sendable {
    case none
    /// Real, or GREASE of the same shape: nobody but the server can tell. The server name is the outer, public one.
    case outer
    /// The decrypted form, which a client never sends by itself.
    case inner
}

/// Protocol versions offered, from `supported_versions` where that is there (RFC 8446 section 4.2.1).
package struct TLSVersions: OptionSet, Hashable, Sendable, CustomStringConvertible {
    package var rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let tls10 = Self(rawValue: 1)
    package static let tls11 = Self(rawValue: 2)
    package static let tls12 = Self(rawValue: 4)
    package static let tls13 = Self(rawValue: 8)

    /// Unknown values, GREASE among them, give nothing.
    init(wireVersion: UInt16) {
        switch wireVersion {
        case 0x0301: self = .tls10
        case 0x0302: self = .tls11
        case 0x0303: self = .tls12
        case 0x0304: self = .tls13
        default: self = []
        }
    }

    package var description: String {
        let names: [(Self, String)] = [(.tls10, "1.0"), (.tls11, "1.1"), (.tls12, "1.2"), (.tls13, "1.3")]
        return names.filter { self.contains($0.0) }.map(\.1).joined(separator: ",")
    }
}

/// The protocols a client offers by ALPN (RFC 7301), as many as fit into 64 bytes.
package struct ALPNOffer: Hashable, Sendable {
    /// As on the wire: each name behind its length.
    private var bytes: InlineArray<64, UInt8>
    private var length: UInt8
    /// Names offered, those that didn't fit included.
    package private(set) var count: UInt16

    package init() {
        self.bytes = InlineArray(repeating: 0)
        self.length = 0
        self.count = 0
    }

    mutating func append(_ source: Span<UInt8>, _ name: Range<Int>) {
        self.count &+= 1
        guard Int(self.length) + 1 + name.count <= 64 else { return }
        self.bytes[Int(self.length)] = UInt8(name.count)
        for (offset, index) in name.enumerated() { self.bytes[Int(self.length) + 1 + offset] = source[index] }
        self.length += UInt8(1 + name.count)
    }

    package var names: [String] {
        var names: [String] = []
        var position = 0
        while position < Int(self.length) {
            let end = position + 1 + Int(self.bytes[position])
            names.append(String(decoding: (position + 1..<end).map { self.bytes[$0] }, as: UTF8.self))
            position = end
        }
        return names
    }

    /// Without making strings.
    package func offers(_ name: StaticString) -> Bool {
        var position = 0
        while position < Int(self.length) {
            let count = Int(self.bytes[position])
            if count == name.utf8CodeUnitCount,
                (0..<count).allSatisfy({ self.bytes[position + 1 + $0] == name.utf8Start[$0] })
            {
                return true
            }
            position += 1 + count
        }
        return false
    }

    package static func == (one: Self, other: Self) -> Bool { one.count == other.count && one.names == other.names }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.names) }
}
