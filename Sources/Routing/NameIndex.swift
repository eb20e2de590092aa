/// Names to numbers: an open-addressing table over bytes, looked up without making a string.
///
/// A name is hashed from its last byte to its first, so that one walk over a server name gives the hash of each of its
/// suffixes in turn, and a route table of any size answers in one pass.
///
/// Keys are the operator's, so there is no need for a keyed hash: a client chooses what is looked up, never what is stored.
struct NameIndex: Sendable {
    struct Hash {
        private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

        mutating func combine(_ byte: UInt8) { self.value = (self.value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }

        /// FNV's low bits are weak for short names; the table takes its position from these.
        fileprivate var mixed: Int { Int(truncatingIfNeeded: ((self.value ^ (self.value >> 32)) &* 0x9E37_79B9_7F4A_7C15) >> 32) }
        fileprivate var tag: UInt32 { UInt32(truncatingIfNeeded: self.value) }
    }

    /// Eight bytes, so that a table of ten thousand names leaves room in a processor's second-level cache.
    private struct Slot {
        static let free = UInt32.max
        /// A part of the hash that has no say in the position.
        var tag: UInt32 = 0
        /// Of the name's entry.
        var start = Self.free
    }

    /// ```
    /// entry   length (1) | value (4, native order) | name (length)
    /// ```
    private enum Entry {
        static let value = 1
        static let name = 5
    }

    private var slots: [Slot]
    private var entries: [UInt8] = []

    /// Room for `count` names at half load, a power of two.
    init(capacity count: Int) {
        var size = 8
        while size < count * 2 { size *= 2 }
        self.slots = Array(repeating: Slot(), count: size)
    }

    /// Adds a name of at most 255 bytes; the first of equals stays. Returns whether it was new.
    mutating func insert(_ name: some Collection<UInt8>, _ value: Int) -> Bool {
        var hash = Hash()
        for byte in name.reversed() { hash.combine(byte) }
        let bytes = Array(name)
        var position = hash.mixed & (self.slots.count - 1)
        while self.slots[position].start != Slot.free {
            if bytes.withUnsafeBytes({ self.value(self.slots[position], $0, hash) }) != nil { return false }
            position = (position + 1) & (self.slots.count - 1)
        }
        self.slots[position] = Slot(tag: hash.tag, start: UInt32(self.entries.count))
        self.entries.append(UInt8(bytes.count))
        withUnsafeBytes(of: Int32(value)) { self.entries.append(contentsOf: $0) }
        self.entries.append(contentsOf: bytes)
        return true
    }

    /// The value of `name`, whose hash is `hash`.
    func find(_ name: UnsafeRawBufferPointer, _ hash: Hash) -> Int? {
        var position = hash.mixed & (self.slots.count - 1)
        while true {
            let slot = self.slots[position]
            if slot.start == Slot.free { return nil }
            if let value = self.value(slot, name, hash) { return value }
            position = (position + 1) & (self.slots.count - 1)
        }
    }

    /// The slot's value, if it is that of `name`.
    private func value(_ slot: Slot, _ name: UnsafeRawBufferPointer, _ hash: Hash) -> Int? {
        guard slot.tag == hash.tag else { return nil }
        return self.entries.withUnsafeBytes { entries in
            let start = Int(slot.start)
            guard Int(entries[start]) == name.count else { return nil }
            for index in 0..<name.count where entries[start + Entry.name + index] != name[index] { return nil }
            return Int(entries.loadUnaligned(fromByteOffset: start + Entry.value, as: Int32.self))
        }
    }
}
