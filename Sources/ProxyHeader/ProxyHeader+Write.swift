import Routing

extension ProxyHeader {
    /// The most bytes that `write` fills: two IPv6 addresses.
    package static var maxWritten: Int { 52 }

    /// Writes the header without extensions and returns its size: 16, 28 or 52. IPv4 addresses in their IPv6 form (`::ffff:…`)
    /// become IPv4 where both are; a mixed pair becomes IPv6.
    package func write(to buffer: UnsafeMutableRawBufferPointer) -> Int {
        let signature = Self.signature
        for index in 0..<12 { buffer[index] = signature[index] }
        buffer[12] = self.addresses == nil ? 0x20 : 0x21
        guard let addresses = self.addresses else {
            buffer[13] = 0
            buffer[14] = 0
            buffer[15] = 0
            return Self.prefixSize
        }
        let isIPv4 = addresses.source.ipv4 != nil && addresses.destination.ipv4 != nil
        let size = isIPv4 ? 4 : 16
        buffer[13] = isIPv4 ? 0x11 : 0x21
        buffer[14] = 0
        buffer[15] = UInt8(2 * size + 4)
        for (position, endpoint) in [addresses.source, addresses.destination].enumerated() {
            let start = Self.prefixSize + position * size
            if isIPv4 {
                buffer.storeBytes(of: endpoint.ipv4!, toByteOffset: start, as: UInt32.self)
            } else {
                let (high, low) = endpoint.ipv6
                buffer.storeBytes(of: high, toByteOffset: start, as: UInt64.self)
                buffer.storeBytes(of: low, toByteOffset: start + 8, as: UInt64.self)
            }
            buffer.storeBytes(of: endpoint.port.bigEndian, toByteOffset: Self.prefixSize + 2 * size + 2 * position, as: UInt16.self)
        }
        return Self.prefixSize + 2 * size + 4
    }

    package var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.maxWritten) { buffer, count in
            count = self.write(to: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}

extension IPEndpoint {
    /// As it lies in memory, in network order; nil for an IPv6 address that is none of IPv4's.
    fileprivate var ipv4: UInt32? {
        let (high, low) = self.words
        guard self.isIPv6 else { return UInt32(truncatingIfNeeded: high) }
        guard high == 0, UInt64(bigEndian: low) >> 32 == 0xFFFF else { return nil }
        return UInt32(truncatingIfNeeded: UInt64(bigEndian: low)).bigEndian
    }

    fileprivate var ipv6: (high: UInt64, low: UInt64) {
        let (high, low) = self.words
        guard !self.isIPv6 else { return (high, low) }
        return (0, (0xFFFF << 32 | UInt64(UInt32(bigEndian: UInt32(truncatingIfNeeded: high)))).bigEndian)
    }
}
