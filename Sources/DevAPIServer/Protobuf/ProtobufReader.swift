/// Reads the protobuf wire format field by field.
struct ProtobufReader {
    enum Value {
        case varint(UInt64)
        case fixed(UInt64)
        case bytes(ArraySlice<UInt8>)
    }

    struct Malformed: Error, Hashable {}

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { self.rest = bytes }

    /// The next field, nil at the end.
    mutating func next() throws(Malformed) -> (field: Int, value: Value)? {
        guard !self.rest.isEmpty else { return nil }
        let tag = try self.varint()
        let field = Int(truncatingIfNeeded: tag >> 3)
        switch tag & 7 {
        case 0: return (field, .varint(try self.varint()))
        case 1: return (field, .fixed(try self.little(8)))
        case 2:
            let length = try self.varint()
            guard length <= UInt64(self.rest.count) else { throw Malformed() }
            defer { self.rest = self.rest.dropFirst(Int(length)) }
            return (field, .bytes(self.rest.prefix(Int(length))))
        case 5: return (field, .fixed(try self.little(4)))
        default: throw Malformed()
        }
    }

    private mutating func varint() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard let byte = self.rest.popFirst() else { throw Malformed() }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        throw Malformed()
    }

    private mutating func little(_ count: Int) throws(Malformed) -> UInt64 {
        guard self.rest.count >= count else { throw Malformed() }
        defer { self.rest = self.rest.dropFirst(count) }
        return self.rest.prefix(count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
