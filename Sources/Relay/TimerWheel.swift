/// One deadline per connection slot, in a hashed wheel: setting, moving and cancelling are a few stores.
///
/// A tick is 2^26 ns (67 ms), so deadlines are met up to that much late, never early. A deadline beyond the wheel's
/// 69 seconds waits in the farthest bucket and is looked at again there.
package struct TimerWheel: ~Copyable {
    private struct Entry {
        var deadline: Int64 = 0
        var next: Int32 = -1
        var previous: Int32 = -1
        /// -1: not set.
        var bucket: Int32 = -1
    }

    private static let shift: Int64 = 26
    private static let size = 1024
    /// Entries of the bucket being worked off.
    private static let due = 1024

    private var entries: UnsafeMutablePointer<Entry>
    private var capacity: Int
    private let heads: UnsafeMutablePointer<Int32>
    /// One bit per bucket that has entries.
    private let occupied: UnsafeMutablePointer<UInt64>
    /// Every bucket up to this tick is worked off.
    private var tick: Int64

    package init(now: Int64) {
        self.capacity = 256
        self.entries = .allocate(capacity: 256)
        self.entries.initialize(repeating: Entry(), count: 256)
        self.heads = .allocate(capacity: Self.size + 1)
        self.heads.initialize(repeating: -1, count: Self.size + 1)
        self.occupied = .allocate(capacity: Self.size / 64)
        self.occupied.initialize(repeating: 0, count: Self.size / 64)
        self.tick = now >> Self.shift
    }

    deinit {
        self.entries.deallocate()
        self.heads.deallocate()
        self.occupied.deallocate()
    }

    package mutating func set(_ index: Int, deadline: Int64) {
        if index >= self.capacity { self.grow(to: index + 1) }
        self.cancel(index)
        let wanted = (deadline >> Self.shift) + 1
        let tick = min(max(wanted, self.tick + 1), self.tick + Int64(Self.size) - 1)
        self.entries[index].deadline = deadline
        self.link(index, Int(tick) & (Self.size - 1))
    }

    package mutating func cancel(_ index: Int) {
        guard index < self.capacity, self.entries[index].bucket >= 0 else { return }
        let entry = self.entries[index]
        if entry.previous >= 0 {
            self.entries[Int(entry.previous)].next = entry.next
        } else {
            self.heads[Int(entry.bucket)] = entry.next
            if entry.next < 0 && Int(entry.bucket) < Self.size {
                self.occupied[Int(entry.bucket) >> 6] &= ~(1 << UInt64(entry.bucket & 63))
            }
        }
        if entry.next >= 0 { self.entries[Int(entry.next)].previous = entry.previous }
        self.entries[index].bucket = -1
    }

    /// Takes out one slot whose deadline has passed. Call until nil.
    package mutating func popExpired(now: Int64) -> Int? {
        while true {
            while self.heads[Self.due] >= 0 {
                let index = Int(self.heads[Self.due])
                let deadline = self.entries[index].deadline
                self.cancel(index)
                if deadline <= now { return index }
                self.set(index, deadline: deadline)
            }
            guard self.tick < now >> Self.shift else { return nil }
            // Over empty buckets in one step.
            self.tick = min(self.nextOccupied() ?? .max, now >> Self.shift)
            let bucket = Int(self.tick) & (Self.size - 1)
            while self.heads[bucket] >= 0 {
                let index = Int(self.heads[bucket])
                self.cancel(index)
                self.link(index, Self.due)
            }
        }
    }

    /// How long to sleep at most, in milliseconds; -1: nothing is set.
    package func timeout(now: Int64) -> Int32 {
        guard let next = self.nextOccupied() else { return -1 }
        let wait = (next << Self.shift) - now
        return wait <= 0 ? 0 : Int32((wait + 999_999) / 1_000_000)
    }

    /// The tick of the next bucket that has entries.
    private func nextOccupied() -> Int64? {
        let start = Int(self.tick + 1) & (Self.size - 1)
        for step in 0...Self.size / 64 {
            let word = (start / 64 + step) & (Self.size / 64 - 1)
            var bits = self.occupied[word]
            if step == 0 { bits &= ~0 << UInt64(start & 63) }
            if step == Self.size / 64 { bits &= ~(~0 << UInt64(start & 63)) }
            guard bits != 0 else { continue }
            let bucket = word * 64 + bits.trailingZeroBitCount
            return self.tick + 1 + Int64((bucket - start) & (Self.size - 1))
        }
        return nil
    }

    private mutating func link(_ index: Int, _ bucket: Int) {
        let head = self.heads[bucket]
        self.entries[index].bucket = Int32(bucket)
        self.entries[index].previous = -1
        self.entries[index].next = head
        if head >= 0 { self.entries[Int(head)].previous = Int32(index) }
        self.heads[bucket] = Int32(index)
        if bucket < Self.size { self.occupied[bucket >> 6] |= 1 << UInt64(bucket & 63) }
    }

    private mutating func grow(to count: Int) {
        let capacity = max(count, self.capacity * 2)
        let entries = UnsafeMutablePointer<Entry>.allocate(capacity: capacity)
        entries.moveInitialize(from: self.entries, count: self.capacity)
        (entries + self.capacity).initialize(repeating: Entry(), count: capacity - self.capacity)
        self.entries.deallocate()
        self.entries = entries
        self.capacity = capacity
    }
}
