package import X509

extension Certificate.SerialNumber {
    /// 20 bytes with the first bits 01: positive, of constant length, 158 bits of chance (RFC 5280, 4.1.2.2).
    package static func random(using generator: inout some RandomNumberGenerator) -> Certificate.SerialNumber {
        var bytes = (0..<20).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        bytes[0] = bytes[0] & 0x3F | 0x40
        return Certificate.SerialNumber(bytes: bytes)
    }

    package static func random() -> Certificate.SerialNumber {
        var generator = SystemRandomNumberGenerator()
        return .random(using: &generator)
    }
}
