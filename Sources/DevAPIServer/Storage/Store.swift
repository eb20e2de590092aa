import JSONModel
import Synchronization

/// The server's memory: every read and write goes through one lock, so that a transaction sees and leaves one state.
final class Store: Sendable {
    private struct Guarded {
        var state: StoreState
        var watchers: [Int: Watcher] = [:]
        var nextWatcher = 0
        var isClosed = false
    }

    private struct Watcher {
        let resource: String
        let namespace: String?
        let continuation: AsyncStream<Signal>.Continuation
    }

    private let guarded: Mutex<Guarded>

    /// - Parameter revision: the counter's start. A server that starts with a time based number stays above every revision
    ///   its predecessor gave, so that clients' old revisions are answered with 410 and not with another object's history.
    init(revision: Int = 1, historyLimit: Int = 10_000) {
        self.guarded = Mutex(Guarded(state: StoreState(revision: revision, historyLimit: historyLimit)))
    }

    /// Reads one consistent state.
    func read<Result: Sendable>(_ body: (StoreState) throws -> Result) rethrows -> Result {
        try self.guarded.withLock { guarded in try body(guarded.state) }
    }

    var revision: Int { self.read { $0.revision } }

    func object(_ key: ObjectKey) -> JSON? { self.read { $0.object(key) } }

    /// Runs `body` against one state; what it writes is stored when it returns, and nothing when it throws or `isDry`.
    func transact<Result: Sendable>(isDry: Bool = false, _ body: (inout Transaction) throws -> Result) throws -> Result {
        try self.guarded.withLock { guarded in
            var transaction = Transaction(base: guarded.state)
            let result = try body(&transaction)
            guard !isDry else { return result }
            let writes = transaction.writes
            transaction = Transaction(base: StoreState(revision: 0, historyLimit: 0))  // Lets the state be changed in place.
            for (key, object) in writes {
                guard let change = guarded.state.write(object, at: key) else { continue }
                // Under the lock, so that every watcher sees changes in order; yielding only appends to a buffer.
                for (id, watcher) in guarded.watchers
                where watcher.resource == key.resource && (watcher.namespace == nil || watcher.namespace == key.namespace) {
                    // A watch that nobody reads any more.
                    if case .terminated = watcher.continuation.yield(.change(change)) { guarded.watchers[id] = nil }
                }
            }
            return result
        }
    }

    enum WatchStart: Hashable, Sendable {
        /// The present objects first, then changes.
        case now
        case after(Int)
    }

    /// What a watcher hears, in order.
    enum Signal: Sendable {
        case change(Change)
        /// Every change up to this revision has been delivered.
        case bookmark(Int)
    }

    struct Watch: Sendable {
        fileprivate let id: Int
        let initial: [JSON]
        /// The revision up to which `initial` (or the resumed history) speaks.
        let revision: Int
        let signals: AsyncStream<Signal>
    }

    /// Whoever watches also calls `end`: no termination handler may take this store's lock, because a cancelled task runs it
    /// under the task's own lock, which `yield` under ours waits for.
    /// - Returns: nil when the history after the given revision is forgotten.
    func watch(_ resource: String, namespace: String?, from start: WatchStart) -> Watch? {
        self.guarded.withLock { guarded in
            let (stream, continuation) = AsyncStream<Signal>.makeStream(bufferingPolicy: .unbounded)
            var initial: [JSON] = []
            switch start {
            case .now: initial = guarded.state.list(resource, namespace: namespace).map(\.object)
            case .after(let revision):
                guard let missed = guarded.state.changes(of: resource, namespace: namespace, after: revision) else { return nil }
                for change in missed { continuation.yield(.change(change)) }
            }
            let id = guarded.nextWatcher
            guarded.nextWatcher += 1
            guard !guarded.isClosed else {
                continuation.finish()
                return Watch(id: id, initial: initial, revision: guarded.state.revision, signals: stream)
            }
            guarded.watchers[id] = Watcher(resource: resource, namespace: namespace, continuation: continuation)
            return Watch(id: id, initial: initial, revision: guarded.state.revision, signals: stream)
        }
    }

    /// Puts a bookmark behind the changes already in the watch's buffer.
    func bookmark(_ watch: Watch) {
        self.guarded.withLock { guarded in
            _ = guarded.watchers[watch.id]?.continuation.yield(.bookmark(guarded.state.revision))
        }
    }

    var watcherCount: Int { self.guarded.withLock { $0.watchers.count } }

    func end(_ watch: Watch) {
        self.guarded.withLock { $0.watchers.removeValue(forKey: watch.id) }?.continuation.finish()
    }

    /// Ends every watch of a resource: its definition changed or went.
    func endWatches(of resource: String) {
        let ended = self.guarded.withLock { guarded in
            let found = guarded.watchers.filter { $0.value.resource == resource }
            for id in found.keys { guarded.watchers[id] = nil }
            return found.values.map(\.continuation)
        }
        for continuation in ended { continuation.finish() }
    }

    /// Ends every watch and starts no other; reads and writes still work.
    func close() {
        let ended = self.guarded.withLock { guarded in
            guarded.isClosed = true
            defer { guarded.watchers.removeAll() }
            return guarded.watchers.values.map(\.continuation)
        }
        for continuation in ended { continuation.finish() }
    }

    func forgetHistory() { self.guarded.withLock { $0.state.forgetHistory() } }
}

/// Reads see what the transaction itself wrote.
struct Transaction {
    private let base: StoreState
    private(set) var writes: [(key: ObjectKey, object: JSON?)] = []

    init(base: StoreState) { self.base = base }

    func object(_ key: ObjectKey) -> JSON? {
        if let written = self.writes.last(where: { $0.key == key }) { return written.object }
        return self.base.object(key)
    }

    func list(_ resource: String, namespace: String? = nil) -> [(key: ObjectKey, object: JSON)] {
        var found = Dictionary(uniqueKeysWithValues: self.base.list(resource, namespace: namespace).map { ($0.key, $0.object) })
        for write in self.writes
        where write.key.resource == resource && (namespace == nil || write.key.namespace == namespace) { found[write.key] = write.object }
        return found.sorted { $0.key < $1.key }.map { (key: $0.key, object: $0.value) }
    }

    /// Every key of a namespace, of whatever resource.
    func keys(inNamespace namespace: String) -> [ObjectKey] {
        var found = Set(self.base.keys.filter { $0.namespace == namespace })
        for write in self.writes where write.key.namespace == namespace {
            if write.object == nil { found.remove(write.key) } else { found.insert(write.key) }
        }
        return found.sorted()
    }

    /// The revision an object written now as the transaction's next write would get.
    var nextRevision: Int { self.base.revision + self.writes.count + 1 }

    /// Stores an object; the answer is what will be stored, its revision included.
    mutating func put(_ object: JSON, at key: ObjectKey) -> JSON {
        var stored = object
        stored.set(["metadata", "resourceVersion"], to: JSON(String(self.nextRevision)))
        self.writes.append((key, stored))
        return stored
    }

    mutating func delete(_ key: ObjectKey) {
        guard self.object(key) != nil else { return }
        self.writes.append((key, nil))
    }
}
