/// Holds small messages received in one turn of the loop until its end, when they are sent one after another.
///
/// Receiving all before sending any keeps each half of the kernel's path warm, and a peer that serves many connections is
/// woken once for many messages instead of once for each. Waking another processor is the dearest part of a small send.
struct TurnBuffer: ~Copyable {
    /// More than this in one receive is sent at once: it is no small message.
    static let largestMessage = 2048
    private static let size = 64 * 1024

    private let bytes: UnsafeMutableRawPointer
    private var used = TurnBuffer.size
    /// Connections that have something in here.
    private(set) var waiting: [Worker.Reference] = []

    init() {
        self.bytes = .allocate(byteCount: Self.size, alignment: 64)
        self.waiting.reserveCapacity(2 * Worker.eventsPerTurn)
    }

    deinit { self.bytes.deallocate() }

    /// A turn with one event has nothing to gather.
    mutating func begin(events: Int) { self.used = events > 1 ? 0 : Self.size }

    /// Whether another receive may go here.
    var hasRoom: Bool { Self.size - self.used >= ChunkPool.chunkSize }

    /// Where the next receive goes; `ChunkPool.chunkSize` bytes of room.
    var free: UnsafeMutableRawPointer { self.bytes + self.used }

    mutating func keep(_ count: Int) { self.used += count }
    mutating func wait(_ reference: Worker.Reference) { self.waiting.append(reference) }

    /// From here on receives are sent at once, until the next turn begins.
    mutating func end() { self.used = Self.size }
    mutating func clear() { self.waiting.removeAll(keepingCapacity: true) }
}
