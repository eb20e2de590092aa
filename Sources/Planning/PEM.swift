import FoundationEssentials

/// Whether a text can be PEM (RFC 7468) at all. Whether what is inside is any good, the proxy that uses it finds out.
enum PEM {
    /// Why it cannot; nil where it can.
    /// - Parameter label: the end of what stands after `BEGIN`, such as `CERTIFICATE` or `PRIVATE KEY`.
    static func problem(_ text: String, label: String, what: String) -> String? {
        var blocks = 0
        var lines = text.split(whereSeparator: \.isNewline).map { $0.filter { !$0.isWhitespace } }[...]
        let begin = "-----BEGIN"
        // Without blanks, as the lines are by now.
        let end = "\(label.filter { $0 != " " })-----"
        while let start = lines.firstIndex(where: { $0.hasPrefix(begin) && $0.hasSuffix(end) }) {
            lines = lines[(start + 1)...]
            guard let stop = lines.firstIndex(where: { $0.hasPrefix("-----END") }) else { return "holds a \(what) without an end" }
            let body = lines[..<stop].filter { !$0.contains(":") }.joined()
            guard let data = Data(base64Encoded: body), self.isDER(data) else { return "holds a \(what) that is damaged" }
            lines = lines[(stop + 1)...]
            blocks += 1
        }
        return blocks == 0 ? "holds no \(what)" : nil
    }

    /// One SEQUENCE that ends where the bytes end (X.690 section 8.1.3).
    private static func isDER(_ data: Data) -> Bool {
        let bytes = Array(data)
        guard bytes.count >= 2, bytes[0] == 0x30 else { return false }
        let count = Int(bytes[1])
        if count < 0x80 { return bytes.count == 2 + count }
        let size = count & 0x7f
        guard (1...4).contains(size), bytes.count >= 2 + size else { return false }
        return bytes.count == 2 + size + bytes[2..<(2 + size)].reduce(0) { $0 << 8 | Int($1) }
    }
}
