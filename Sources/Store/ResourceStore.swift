import GRDB
import JSONModel
import Synchronization

/// Resources in one SQLite file. A write that was answered is on disk (WAL, synchronous FULL): neither the process's end nor
/// the machine's loses it.
///
/// The file belongs to one process: whoever opens it second is told so. Calls are synchronous and short (they wait for the
/// disk once), and safe from any thread.
package final class ResourceStore: Sendable {
    private let queue: DatabaseQueue
    private let file: String
    private let watchers = Mutex<[Int: AsyncStream<Void>.Continuation]>([:])

    /// Opens the file, making it where there is none.
    package init(file: String) throws(StoreError) {
        self.file = file
        var configuration = Configuration()
        configuration.busyMode = .timeout(2)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            try database.execute(sql: "PRAGMA journal_mode = WAL")
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        do {
            self.queue = try DatabaseQueue(path: file, configuration: configuration)
            try Self.migrator.migrate(self.queue)
        } catch {
            throw Self.unusable(file, error)
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("resources") { database in
            try database.create(table: "resource") { table in
                table.column("kind", .text).notNull()
                table.column("mesh", .text).notNull()
                table.column("name", .text).notNull()
                table.column("version", .integer).notNull()
                table.column("created", .integer).notNull()
                table.column("modified", .integer).notNull()
                table.column("labels", .text).notNull()
                table.column("spec", .text).notNull()
                table.primaryKey(["kind", "mesh", "name"])
            }
            try database.create(table: "counter") { table in
                table.primaryKey("id", .integer)
                table.column("version", .integer).notNull()
            }
            try database.execute(sql: "INSERT INTO counter (id, version) VALUES (1, 0)")
        }
        return migrator
    }

    // MARK: Reading

    package func get(_ id: ResourceID) throws(StoreError) -> StoredResource? {
        try self.read { transaction in try transaction.get(id) }
    }

    /// All resources, or those of one kind, in the order of their ids.
    package func list(kind: String? = nil) throws(StoreError) -> [StoredResource] {
        try self.read { transaction in try transaction.list(kind: kind) }
    }

    package func read<Value: Sendable>(_ body: (StoreTransaction) throws -> Value) throws(StoreError) -> Value {
        try self.perform { try self.queue.read { database in try body(StoreTransaction(database)) } }
    }

    // MARK: Writing

    /// All of `body` or, when it throws, nothing. Its own `StoreError`s come through.
    @discardableResult
    package func write<Value: Sendable>(_ body: (StoreTransaction) throws -> Value) throws(StoreError) -> Value {
        let (value, hasChanged) = try self.perform {
            try self.queue.write { database in
                let transaction = StoreTransaction(database)
                return (try body(transaction), transaction.hasChanged)
            }
        }
        if hasChanged { self.tellWatchers() }
        return value
    }

    // MARK: Watching

    /// Yields after every change, several changes perhaps once. Ends with its reader.
    package func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = self.watchers.withLock { watchers in
            let id = (watchers.keys.max() ?? 0) + 1
            watchers[id] = continuation
            return id
        }
        continuation.onTermination = { [weak self] _ in self?.forget(id) }
        return stream
    }

    private func forget(_ id: Int) {
        self.watchers.withLock { _ = $0.removeValue(forKey: id) }
    }

    private func tellWatchers() {
        for watcher in self.watchers.withLock({ Array($0.values) }) { watcher.yield() }
    }

    // MARK: Errors

    private func perform<Value>(_ body: () throws -> Value) throws(StoreError) -> Value {
        do { return try body() } catch let error as StoreError { throw error } catch { throw Self.unusable(self.file, error) }
    }

    private static func unusable(_ file: String, _ error: any Error) -> StoreError {
        let cause: String
        switch (error as? DatabaseError)?.resultCode {
        case DatabaseError.SQLITE_BUSY, DatabaseError.SQLITE_LOCKED:
            cause = "it is in use by another process; stop that one, or give this one a file of its own"
        case DatabaseError.SQLITE_NOTADB: cause = "it is not a SQLite file; give another path, or move it away"
        case DatabaseError.SQLITE_CANTOPEN: cause = "it cannot be opened; does its folder exist, and may this user write there?"
        case DatabaseError.SQLITE_READONLY, DatabaseError.SQLITE_PERM: cause = "this user may not write it"
        case DatabaseError.SQLITE_FULL: cause = "the disk is full"
        case DatabaseError.SQLITE_CORRUPT: cause = "it is damaged; restore it from a backup"
        default: cause = "\(error)"
        }
        return StoreError(.unusable, "the store \(file) cannot be used: \(cause)")
    }
}
