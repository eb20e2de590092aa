import FoundationEssentials

/// The protobuf wire format, as far as one message tree needs it.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            self.bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        self.bytes.append(UInt8(rest))
    }

    private mutating func tag(_ field: Int, wireType: UInt64) { self.varint(UInt64(field) << 3 | wireType) }

    private mutating func delimited(_ field: Int, _ content: some Collection<UInt8>) {
        self.tag(field, wireType: 2)
        self.varint(UInt64(content.count))
        self.bytes.append(contentsOf: content)
    }

    /// proto3: what has its zero value is not written.
    mutating func string(_ field: Int, _ value: String?) {
        if let value, !value.isEmpty { self.delimited(field, value.utf8) }
    }

    mutating func bool(_ field: Int, _ value: Bool?) {
        guard value == true else { return }
        self.tag(field, wireType: 0)
        self.varint(1)
    }

    mutating func int(_ field: Int, _ value: Int?) {
        guard let value, value != 0 else { return }
        self.tag(field, wireType: 0)
        self.varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func double(_ field: Int, _ value: Double?) {
        guard let value, value != 0 else { return }
        self.tag(field, wireType: 1)
        let bits = value.bitPattern
        for shift in stride(from: 0, to: 64, by: 8) { self.bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift))) }
    }

    /// A nested message; written even when empty, as its presence counts.
    mutating func message(_ field: Int, _ write: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        write(&inner)
        self.delimited(field, inner.bytes)
    }
}
