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
        fileprivate var mixed: Int { Int(truncatingIfNeeded: (self.value ^ (self.value >> 32)) &* 0x9E37_79B9_7F4A_7C15 >> 17) }
    }

    private struct Slot {
        var hash: UInt64 = 0
        /// Of the name in `names`.
        var start: Int32 = 0
        var count: Int32 = 0
        /// -1: free.
        var value: Int32 = -1
    }

    private var slots: [Slot]
    private var names: [UInt8] = []

    /// Room for `count` names at half load, a power of two.
    init(capacity count: Int) {
        var size = 8
        while size < count * 2 { size *= 2 }
        self.slots = Array(repeating: Slot(), count: size)
    }

    /// Adds a name; the first of equals stays. Returns whether it was new.
    mutating func insert(_ name: some Collection<UInt8>, _ value: Int) -> Bool {
        var hash = Hash()
        for byte in name.reversed() { hash.combine(byte) }
        let bytes = Array(name)
        var position = hash.mixed & (self.slots.count - 1)
        while self.slots[position].value >= 0 {
            if self.slots[position].hash == hash.value && bytes.withUnsafeBytes({ self.isKey(self.slots[position], $0) }) { return false }
            position = (position + 1) & (self.slots.count - 1)
        }
        self.slots[position] = Slot(hash: hash.value, start: Int32(self.names.count), count: Int32(bytes.count), value: Int32(value))
        self.names.append(contentsOf: bytes)
        return true
    }

    /// The value of `name`, whose hash is `hash`.
    func find(_ name: UnsafeRawBufferPointer, _ hash: Hash) -> Int? {
        var position = hash.mixed & (self.slots.count - 1)
        while true {
            let slot = self.slots[position]
            if slot.value < 0 { return nil }
            if slot.hash == hash.value && self.isKey(slot, name) { return Int(slot.value) }
            position = (position + 1) & (self.slots.count - 1)
        }
    }

    private func isKey(_ slot: Slot, _ name: UnsafeRawBufferPointer) -> Bool {
        guard Int(slot.count) == name.count else { return false }
        return self.names.withUnsafeBytes { names in
            for index in 0..<name.count where names[Int(slot.start) + index] != name[index] { return false }
            return true
        }
    }
}
