/// The checksum of RFC 3720 (Castagnoli), bit by bit: headers are short and few carry one.
struct CRC32C {
    private var state: UInt32 = 0xFFFF_FFFF

    var value: UInt32 { ~self.state }

    mutating func combine(_ byte: UInt8) {
        self.state ^= UInt32(byte)
        for _ in 0..<8 { self.state = self.state >> 1 ^ (self.state & 1 == 0 ? 0 : 0x82F6_3B78) }
    }
}
