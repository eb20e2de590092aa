/// A CIDR block, or a single address.
struct AddressBlock: Hashable, Sendable {
    private let high, low: UInt64
    private let highMask, lowMask: UInt64
    private let isIPv6: Bool

    /// `10.0.0.0/8`, `fc00::/7`, `192.0.2.1`. Bits beyond the length don't matter. Nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPEndpoint(address: String(parts[0]), port: 0) else { return nil }
        let bits = address.isIPv6 ? 128 : 32
        var length = bits
        if parts.count == 2 {
            guard let number = Int(parts[1]), (0...bits).contains(number), parts[1].allSatisfy(\.isNumber) else { return nil }
            length = number
        }
        if let mapped = address.mappedIPv4 {
            // ::ffff:10.0.0.0/104 means 10.0.0.0/8: addresses are compared in their plain form.
            guard length >= 96 else { return nil }
            self.init(mapped, length: length - 96)
        } else {
            self.init(address, length: length)
        }
    }

    private init(_ address: IPEndpoint, length: Int) {
        // `<<` past the width gives 0.
        let head = address.isIPv6 ? min(length, 64) : length + 32
        self.highMask = head == 0 ? 0 : ~0 << UInt64(64 - head)
        self.lowMask = address.isIPv6 && length > 64 ? ~0 << UInt64(128 - length) : 0
        let (high, low) = address.number
        self.high = high & self.highMask
        self.low = low & self.lowMask
        self.isIPv6 = address.isIPv6
    }

    func contains(_ address: IPEndpoint) -> Bool {
        let (high, low) = address.number
        return address.isIPv6 == self.isIPv6 && high & self.highMask == self.high && low & self.lowMask == self.low
    }
}

/// `AddressRules` in the form that judges.
package struct AddressBlocks: Sendable {
    private var deny: [AddressBlock] = []
    private var allow: [AddressBlock] = []
    /// A block of `deny` can't be read. What it was meant to keep away isn't known, so everything is denied.
    private var deniesAll = false
    /// What can't be read.
    package private(set) var unreadable: [String] = []

    package init(_ rules: AddressRules) {
        for text in rules.deny {
            if let block = AddressBlock(text) {
                self.deny.append(block)
            } else {
                self.unreadable.append(text)
                self.deniesAll = true
            }
        }
        for text in rules.allow { if let block = AddressBlock(text) { self.allow.append(block) } else { self.unreadable.append(text) } }
    }

    /// An IPv4 address in IPv6 dress (RFC 4291 section 2.5.5.2) is judged as IPv4. One behind a NAT64 (RFC 6052, 64:ff9b::/96)
    /// leads to that IPv4 address in the end and has to be allowed as both.
    package func permits(_ address: IPEndpoint) -> Bool {
        let address = address.mappedIPv4 ?? address
        guard self.permitsPlain(address) else { return false }
        return address.translatedIPv4.map { self.permitsPlain($0) } ?? true
    }

    private func permitsPlain(_ address: IPEndpoint) -> Bool {
        if self.allow.contains(where: { $0.contains(address) }) { return true }
        return !self.deniesAll && !self.deny.contains { $0.contains(address) }
    }
}

extension IPEndpoint {
    /// As one number, the first bit of the address the highest; IPv4 in the lower half of `high`.
    fileprivate var number: (high: UInt64, low: UInt64) {
        self.isIPv6
            ? (UInt64(bigEndian: self.high), UInt64(bigEndian: self.low))
            : (UInt64(UInt32(bigEndian: UInt32(truncatingIfNeeded: self.high))), 0)
    }

    /// The IPv4 address of `::ffff:0:0/96`.
    fileprivate var mappedIPv4: IPEndpoint? {
        let (high, low) = self.number
        guard self.isIPv6, high == 0, low >> 32 == 0xffff else { return nil }
        return IPEndpoint(ipv4: UInt32(truncatingIfNeeded: low).bigEndian)
    }

    /// The IPv4 address of `64:ff9b::/96`.
    fileprivate var translatedIPv4: IPEndpoint? {
        let (high, low) = self.number
        guard self.isIPv6, high == 0x0064_ff9b_0000_0000, low >> 32 == 0 else { return nil }
        return IPEndpoint(ipv4: UInt32(truncatingIfNeeded: low).bigEndian)
    }
}
