import Routing

extension ProxyHeader {
    package enum Outcome: Hashable, Sendable {
        /// No answer before there are this many bytes in all; always more than there were, never above `maxBytes`.
        case needMoreBytes(atLeast: Int)
        /// The header is the first `length` bytes; the next byte is the client's.
        case found(ProxyHeader, length: Int)
        case refused(ProxyHeaderProblem)
    }

    /// Reads the header at the beginning of `bytes`. What can't become one is refused as soon as a byte shows it.
    package static func parse(_ bytes: Span<UInt8>) -> Outcome {
        do { return try self.attempt(bytes) } catch { return .refused(error) }
    }

    private static func attempt(_ bytes: Span<UInt8>) throws(ProxyHeaderProblem) -> Outcome {
        let signature = Self.signature
        for index in 0..<min(bytes.count, 12) where bytes[index] != signature[index] {
            throw Self.beginsLikeVersionOne(bytes) ? .versionOne : .missing
        }
        if bytes.count > 12 {
            guard bytes[12] >> 4 == 2 else { throw .version }
            guard bytes[12] & 0xF <= 1 else { throw .command }
        }
        guard bytes.count >= Self.prefixSize else { return .needMoreBytes(atLeast: Self.prefixSize) }
        let length = Self.prefixSize + (Int(bytes[14]) << 8 | Int(bytes[15]))
        guard length <= Self.maxBytes else { throw .tooLong }
        // LOCAL: whatever follows is to be skipped.
        let isLocal = bytes[12] & 0xF == 0
        let addressSize = isLocal ? 0 : try Self.addressSize(bytes[13])
        guard Self.prefixSize + addressSize <= length else { throw .tooShort }
        guard bytes.count >= length else { return .needMoreBytes(atLeast: length) }
        guard !isLocal else { return .found(ProxyHeader(), length: length) }
        try Self.checkExtensions(bytes, Self.prefixSize + addressSize..<length)
        return .found(ProxyHeader(Self.addresses(bytes)), length: length)
    }

    private static func beginsLikeVersionOne(_ bytes: Span<UInt8>) -> Bool {
        let word: StaticString = "PROXY "
        for index in 0..<min(bytes.count, 6) where bytes[index] != word.utf8Start[index] { return false }
        return true
    }

    private static func addressSize(_ family: UInt8) throws(ProxyHeaderProblem) -> Int {
        switch family {
        case 0x00: 0
        case 0x11: 12
        case 0x21: 36
        case 0x31: 216
        default: throw .family
        }
    }

    private static func addresses(_ bytes: Span<UInt8>) -> Addresses? {
        let isIPv6: Bool
        switch bytes[13] {
        case 0x11: isIPv6 = false
        case 0x21: isIPv6 = true
        default: return nil
        }
        let size = isIPv6 ? 16 : 4
        return bytes.withUnsafeBytes { raw in
            func endpoint(_ start: Int, _ portStart: Int) -> IPEndpoint {
                let address = raw.baseAddress! + start
                var endpoint = isIPv6 ? IPEndpoint(ipv6: address) : IPEndpoint(ipv4: address.loadUnaligned(as: UInt32.self))
                endpoint.port = UInt16(raw[portStart]) << 8 | UInt16(raw[portStart + 1])
                return endpoint
            }
            let ports = Self.prefixSize + 2 * size
            return Addresses(source: endpoint(Self.prefixSize, ports), destination: endpoint(Self.prefixSize + size, ports + 2))
        }
    }

    /// Extensions are skipped but for the checksum (type 3): the CRC-32C of the whole header with this value as zeros.
    private static func checkExtensions(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(ProxyHeaderProblem) {
        var position = range.lowerBound
        var checksum: Int?
        while position < range.upperBound {
            guard range.upperBound - position >= 3 else { throw .brokenExtension }
            let count = Int(bytes[position + 1]) << 8 | Int(bytes[position + 2])
            guard count <= range.upperBound - position - 3 else { throw .brokenExtension }
            if bytes[position] == 3 {
                guard count == 4, checksum == nil else { throw .brokenExtension }
                checksum = position + 3
            }
            position += 3 + count
        }
        guard let checksum else { return }
        var sum = CRC32C()
        for index in 0..<range.upperBound { sum.combine(checksum..<checksum + 4 ~= index ? 0 : bytes[index]) }
        var given: UInt32 = 0
        for index in checksum..<checksum + 4 { given = given << 8 | UInt32(bytes[index]) }
        guard sum.value == given else { throw .checksum }
    }
}
