/// A block of IPv4 addresses, written `127.10.0.0/16`.
package struct AddressBlock: Hashable, Sendable, CustomStringConvertible {
    package let base: UInt32
    package let prefixLength: Int

    /// Where pods live unless told otherwise. Far from 127.0.0.1, which belongs to the host, and from the Services' addresses.
    package static let pods = AddressBlock(base: 0x7F0A_0000, prefixLength: 16)

    private init(base: UInt32, prefixLength: Int) {
        self.base = base
        self.prefixLength = prefixLength
    }

    package struct Invalid: Error, Hashable, CustomStringConvertible {
        package let text: String
        package var description: String {
            "\"\(self.text)\" is not a block of IPv4 addresses for pods; write it like 127.10.0.0/16"
        }
    }

    /// A network with room for at least two pods. Outside 127.0.0.0/8 its use needs privileges.
    package init(_ text: String) throws(Invalid) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let base = IPv4Text.parse(parts[0]), let length = Int(parts[1]), (8...30).contains(length),
            base & ((1 << (32 - length)) - 1) == 0
        else { throw Invalid(text: text) }
        self.init(base: base, prefixLength: length)
    }

    package var description: String { "\(IPv4Text.format(self.base))/\(self.prefixLength)" }

    /// Addresses a pod may have: all but the block's first and last.
    var hosts: Range<UInt32> { (self.base + 1)..<(self.base + (1 << (32 - self.prefixLength)) - 1) }
}

enum IPv4Text {
    static func parse(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard part.allSatisfy(\.isNumber), let byte = UInt8(part) else { return nil }
            address = address << 8 | UInt32(byte)
        }
        return address
    }

    static func format(_ address: UInt32) -> String {
        "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
    }

}
