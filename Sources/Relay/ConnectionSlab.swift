typealias Slot = UnsafeMutablePointer<Connection>

/// Connections at addresses that never move, reused last in first out, so that a busy proxy stays in few cache lines.
struct ConnectionSlab: ~Copyable {
    private static let chunkShift = 8
    private var chunks: [UnsafeMutablePointer<Connection>] = []
    private var firstFree: Int32 = -1
    private(set) var count = 0

    deinit { for chunk in self.chunks { chunk.deallocate() } }

    /// Slots made so far, free ones included.
    var capacity: Int { self.chunks.count << Self.chunkShift }

    subscript(_ index: Int) -> Slot { self.chunks[index >> Self.chunkShift] + (index & (1 << Self.chunkShift - 1)) }

    /// The connection of an event or message, unless the slot has changed hands.
    func slot(_ index: Int, generation: UInt32) -> Slot? {
        guard index < self.capacity else { return nil }
        let slot = self[index]
        return slot.pointee.generation == generation && slot.pointee.state != .free ? slot : nil
    }

    mutating func take() -> Slot {
        if self.firstFree < 0 { self.grow() }
        let slot = self[Int(self.firstFree)]
        self.firstFree = slot.pointee.nextFree
        self.count += 1
        slot.pointee = Connection(index: slot.pointee.index, generation: slot.pointee.generation)
        return slot
    }

    mutating func free(_ slot: Slot) {
        // 30 bits travel in epoll's data.
        slot.pointee.generation = (slot.pointee.generation &+ 1) & 0x3FFF_FFFF
        slot.pointee.state = .free
        slot.pointee.nextFree = self.firstFree
        self.firstFree = slot.pointee.index
        self.count -= 1
    }

    private mutating func grow() {
        let size = 1 << Self.chunkShift
        let start = self.capacity
        let chunk = UnsafeMutablePointer<Connection>.allocate(capacity: size)
        for offset in (0..<size).reversed() {
            (chunk + offset).initialize(to: Connection(index: Int32(start + offset), generation: 1))
            (chunk + offset).pointee.nextFree = self.firstFree
            self.firstFree = Int32(start + offset)
        }
        self.chunks.append(chunk)
    }
}
