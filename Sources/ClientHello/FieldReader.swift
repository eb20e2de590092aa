/// Walks a range of bytes field by field. A field that would pass the end is malformed.
struct FieldReader {
    private(set) var position: Int
    let end: Int

    init(_ range: Range<Int>) {
        self.position = range.lowerBound
        self.end = range.upperBound
    }

    var isAtEnd: Bool { self.position == self.end }

    mutating func uint8(_ bytes: Span<UInt8>) throws(HelloRefusal) -> Int {
        Int(bytes[try self.take(1).lowerBound])
    }

    mutating func uint16(_ bytes: Span<UInt8>) throws(HelloRefusal) -> Int {
        let at = try self.take(2).lowerBound
        return Int(bytes[at]) << 8 | Int(bytes[at + 1])
    }

    /// `opaque field<0..2^8-1>`
    mutating func vector8(_ bytes: Span<UInt8>) throws(HelloRefusal) -> Range<Int> {
        let count = try self.uint8(bytes)
        return try self.take(count)
    }

    /// `opaque field<0..2^16-1>`
    mutating func vector16(_ bytes: Span<UInt8>) throws(HelloRefusal) -> Range<Int> {
        let count = try self.uint16(bytes)
        return try self.take(count)
    }

    mutating func take(_ count: Int) throws(HelloRefusal) -> Range<Int> {
        guard count <= self.end - self.position else { throw .malformed }
        defer { self.position += count }
        return self.position..<self.position + count
    }
}
