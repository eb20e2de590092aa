/// The name a client asks for: ASCII in lower case without a trailing dot, 1 to 255 bytes, held inline so that a
/// connection costs no allocation.
///
/// Besides letters, digits, `-` and `.`, the characters `{ } = , _` are legal: mesh names such as
/// `backend{mesh=default}` and `httpbin_default_svc_80` travel as SNI.
package struct ServerName: Sendable {
    private var bytes: InlineArray<255, UInt8>
    private var length: UInt8

    package static var maxLength: Int { 255 }
    package var count: Int { Int(self.length) }

    /// Reads `range` of `source`, as it stands in a hello.
    package init(_ source: Span<UInt8>, _ range: Range<Int>) throws(HelloRefusal) {
        var range = range
        guard !range.isEmpty else { throw .emptyServerName }
        guard range.count <= Self.maxLength else { throw .serverNameTooLong }
        if source[range.upperBound - 1] == UInt8(ascii: ".") { range = range.lowerBound..<range.upperBound - 1 }
        guard !range.isEmpty else { throw .emptyServerName }

        self.bytes = InlineArray(repeating: 0)
        self.length = UInt8(range.count)
        var refusal: HelloRefusal?
        var colons = 0
        var labelIsEmpty = true
        for index in range {
            let byte = source[index]
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "="), UInt8(ascii: ","):
                labelIsEmpty = false
                self.bytes[index - range.lowerBound] = byte
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                labelIsEmpty = false
                self.bytes[index - range.lowerBound] = byte | 0x20
            case UInt8(ascii: "."):
                if labelIsEmpty { refusal = refusal ?? .invalidServerName }
                labelIsEmpty = true
                self.bytes[index - range.lowerBound] = byte
            case UInt8(ascii: ":"):
                labelIsEmpty = false
                colons += 1
                self.bytes[index - range.lowerBound] = byte
            case 0x80...:
                throw .serverNameNotASCII
            default:
                refusal = .invalidServerName
            }
        }
        if labelIsEmpty { refusal = refusal ?? .invalidServerName }
        // A colon is legal nowhere, so it only decides how the refusal is called.
        if colons > 0 { refusal = colons > 1 && self.isHexAndColons ? .ipLiteralServerName : .invalidServerName }
        if let refusal { throw refusal }
        if self.isNumeric { throw .ipLiteralServerName }
    }

    package init(_ text: String) throws(HelloRefusal) {
        let bytes = Array(text.utf8)
        self = try Self(bytes.span, 0..<bytes.count)
    }

    private var isHexAndColons: Bool {
        for index in 0..<self.count {
            switch self.bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: ":"), UInt8(ascii: "."): break
            default: return false
            }
        }
        return true
    }

    /// Whether every label is a number, decimal or `0x`: what resolvers read as an IPv4 address, `127.1` and
    /// `0x7f000001` included.
    private var isNumeric: Bool {
        var start = 0
        for index in 0...self.count where index == self.count || self.bytes[index] == UInt8(ascii: ".") {
            guard self.labelIsNumeric(start..<index) else { return false }
            start = index + 1
        }
        return true
    }

    private func labelIsNumeric(_ label: Range<Int>) -> Bool {
        let isHex =
            label.count > 2 && self.bytes[label.lowerBound] == UInt8(ascii: "0") && self.bytes[label.lowerBound + 1] == UInt8(ascii: "x")
        for index in label.dropFirst(isHex ? 2 : 0) {
            switch self.bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): break
            case UInt8(ascii: "a")...UInt8(ascii: "f") where isHex: break
            default: return false
            }
        }
        return true
    }
}

extension ServerName {
    package func withUnsafeBytes<Result, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let count = self.count
        return try Swift.withUnsafeBytes(of: self.bytes) { (all) throws(Failure) in
            try body(UnsafeRawBufferPointer(rebasing: all[..<count]))
        }
    }
}

extension ServerName: Hashable, CustomStringConvertible {
    package static func == (one: Self, other: Self) -> Bool {
        one.withUnsafeBytes { one in other.withUnsafeBytes { one.elementsEqual($0) } }
    }

    package func hash(into hasher: inout Hasher) { self.withUnsafeBytes { hasher.combine(bytes: $0) } }

    package var description: String { self.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}
