/// A name that was refused, for people to read: printable ASCII as it is, `\`, `"` and every other byte as `\xNN`.
enum EscapedName {
    /// Never longer than `maxBytes`; what is cut ends in `...`.
    static func text(_ bytes: [UInt8], maxBytes: Int) -> String {
        var text = ""
        for (index, byte) in bytes.enumerated() {
            let part = self.isPlain(byte) ? String(UnicodeScalar(byte)) : "\\x" + self.digit(byte >> 4) + self.digit(byte & 15)
            let isLast = index == bytes.count - 1
            guard text.utf8.count + part.utf8.count <= maxBytes - (isLast ? 0 : 3) else { return text + "..." }
            text += part
        }
        return text
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "\"")
    }

    private static func digit(_ value: UInt8) -> String { String(value, radix: 16, uppercase: true) }
}
