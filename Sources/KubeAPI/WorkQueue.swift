/// Which keys want work, and when. A plain value: the loop around it holds the lock, the clock and the tasks.
///
/// Invariants (checked by a seeded random run in the tests):
/// 1. A key is never handed out twice at once: between `take` and `done` or `failed` it is not handed out again.
/// 2. A key is waiting at most once; adding it again keeps the earlier time.
/// 3. A key added while it is being worked on is handed out again afterwards: no news is lost.
/// 4. Nothing is handed out before its time; of several due keys the one due first goes first.
/// 5. Failures of a key in a row lengthen its wait; a success resets it.
package struct WorkQueue<Key: Hashable & Sendable, Instant: InstantProtocol & Sendable>: Sendable where Instant.Duration == Duration {
    private struct Entry: Sendable {
        var at: Instant
        var order: UInt64
    }

    package let backoff: Backoff
    private var waiting: [Key: Entry] = [:]
    private var working: Set<Key> = []
    private var failures: [Key: Int] = [:]
    private var nextOrder: UInt64 = 0

    package init(backoff: Backoff = Backoff()) { self.backoff = backoff }

    /// Keys that wait or are worked on.
    package var count: Int { self.working.union(self.waiting.keys).count }
    /// Keys that wait for their time or for a worker: the depth dashboards show.
    package var depth: Int { self.waiting.count }
    package var activeCount: Int { self.working.count }
    package var isEmpty: Bool { self.waiting.isEmpty && self.working.isEmpty }

    /// Asks for work on `key` no later than `at`. Returns whether this made the key due earlier than before.
    @discardableResult
    package mutating func add(_ key: Key, at: Instant) -> Bool {
        if let entry = self.waiting[key], entry.at <= at { return false }
        self.waiting[key] = Entry(at: at, order: self.nextOrder)
        self.nextOrder += 1
        return true
    }

    /// The key to work on now, if any is due. The caller must report back with `done` or `failed`.
    package mutating func take(now: Instant) -> Key? {
        guard let key = self.first(where: { $0.at <= now })?.key else { return nil }
        self.waiting[key] = nil
        self.working.insert(key)
        return key
    }

    /// When the next key that nobody works on is due; nil when none waits.
    package var nextDue: Instant? { self.first(where: { _ in true })?.at }

    /// The work succeeded. `again` asks for another look at that time.
    package mutating func done(_ key: Key, again: Instant? = nil) {
        self.working.remove(key)
        self.failures[key] = nil
        if let again { self.add(key, at: again) }
    }

    /// The work failed: the key comes back after its back-off, which is returned. If it was added meanwhile it keeps the
    /// back-off all the same, so that a stream of news cannot turn a failing key into a busy loop.
    @discardableResult
    package mutating func failed(_ key: Key, now: Instant, using generator: inout some RandomNumberGenerator) -> Duration {
        self.working.remove(key)
        let failures = self.failures[key, default: 0] + 1
        self.failures[key] = failures
        let delay = self.backoff.delay(failures: failures, using: &generator)
        self.waiting[key] = nil
        self.add(key, at: now.advanced(by: delay))
        return delay
    }

    /// Failures in a row of a key.
    package func failureCount(of key: Key) -> Int { self.failures[key, default: 0] }

    // Queues here hold a handful of keys (objects of a zone), so a scan beats a heap that would have to support moving keys.
    private func first(where isWanted: (Entry) -> Bool) -> (key: Key, at: Instant)? {
        var best: (key: Key, entry: Entry)?
        for (key, entry) in self.waiting where isWanted(entry) && !self.working.contains(key) {
            if let found = best, (found.entry.at, found.entry.order) <= (entry.at, entry.order) { continue }
            best = (key, entry)
        }
        return best.map { ($0.key, $0.entry.at) }
    }
}
