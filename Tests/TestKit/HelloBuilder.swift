/// Writes ClientHellos, good and bad, byte by byte.
package struct HelloBuilder {
    package var version: UInt16 = 0x0303
    package var sessionID: [UInt8] = Array(repeating: 7, count: 32)
    package var cipherSuites: [UInt16] = [0x1301, 0x1302, 0xC02F]
    package var compressionMethods: [UInt8] = [0]
    /// In order; nil writes no extension block at all.
    package var extensions: [(type: UInt16, data: [UInt8])]? = []

    package init() {}

    /// A hello as a modern client would send it.
    package init(serverName: String) {
        self.extensions = []
        self.add(serverName: serverName)
        self.add(alpn: ["h2", "http/1.1"])
        self.add(supportedVersions: [0x0304, 0x0303])
    }

    package mutating func add(_ type: UInt16, _ data: [UInt8]) { self.extensions = (self.extensions ?? []) + [(type, data)] }

    package mutating func add(serverName: String) { self.add(serverNames: [Array(serverName.utf8)]) }

    package mutating func add(serverNames names: [[UInt8]]) {
        self.add(0, Self.vector16(names.flatMap { [0] + Self.vector16($0) }))
    }

    package mutating func add(alpn: [String]) { self.add(16, Self.vector16(alpn.flatMap { Self.vector8(Array($0.utf8)) })) }

    package mutating func add(supportedVersions versions: [UInt16]) { self.add(43, Self.vector8(versions.flatMap(Self.bytes))) }

    package mutating func add(keyShares shares: [(group: UInt16, size: Int)]) {
        self.add(51, Self.vector16(shares.flatMap { Self.bytes($0.group) + Self.vector16(Array(repeating: 0xAB, count: $0.size)) }))
    }

    /// The handshake message, without records.
    package var message: [UInt8] {
        var body = Self.bytes(self.version)
        body += (0..<32).map { UInt8($0) }
        body += Self.vector8(self.sessionID)
        body += Self.vector16(self.cipherSuites.flatMap(Self.bytes))
        body += Self.vector8(self.compressionMethods)
        if let extensions = self.extensions {
            body += Self.vector16(extensions.flatMap { Self.bytes($0.type) + Self.vector16($0.data) })
        }
        return [1, UInt8(body.count >> 16), UInt8(body.count >> 8 & 255), UInt8(body.count & 255)] + body
    }

    /// In one record, or in records of at most `fragment` bytes each.
    package func records(fragment: Int = 1 << 14) -> [UInt8] { Self.records(self.message, cuts: [], fragment: fragment) }

    /// A message in records that end at `cuts` (positions in the message).
    package static func records(_ message: [UInt8], cuts: [Int], fragment: Int = 1 << 14) -> [UInt8] {
        var wire: [UInt8] = []
        var start = 0
        for end in cuts.sorted() + [message.count] {
            while start < end {
                let part = message[start..<min(end, start + fragment)]
                wire += [22, 3, 1] + Self.vector16(Array(part))
                start = part.endIndex
            }
        }
        return wire
    }

    package static func bytes(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }
    package static func vector8(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count)] + bytes }
    package static func vector16(_ bytes: [UInt8]) -> [UInt8] { self.bytes(UInt16(bytes.count)) + bytes }
}
