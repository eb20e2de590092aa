import GRDB
import Synchronization

/// Resources in one SQLite file. A write that was answered is on disk (WAL, synchronous FULL): neither the process's end nor
/// the machine's loses it.
///
/// The file belongs to one process: whoever opens it second is told so. All resources are in memory as well, so that reading
/// never waits; a write waits for the disk once. Safe from any thread.
package final class ResourceStore: Sendable {
    private let queue: DatabaseQueue
    private let file: String
    /// By kind, so that whoever wants a few keys does not look at all services.
    private let resources = Mutex<[String: [ResourceID: StoredResource]]>([:])
    private let changed = Broadcast()

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
            let all = try self.queue.read { database in try StoreTransaction(database).list() }
            self.resources.withLock { resources in for resource in all { resources[resource.id.kind, default: [:]][resource.id] = resource }
            }
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
                table.column("status", .text).notNull()
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

    package subscript(_ id: ResourceID) -> StoredResource? { self.resources.withLock { $0[id.kind]?[id] } }

    /// All resources, or those of one kind, in the order of their ids.
    package func list(kind: String? = nil) -> [StoredResource] {
        self.unordered(kind: kind).sorted { $0.id < $1.id }
    }

    /// The same in any order, which costs less.
    package func unordered(kind: String? = nil) -> [StoredResource] {
        let all = self.resources.withLock { $0 }
        if let kind { return all[kind].map { Array($0.values) } ?? [] }
        return all.values.flatMap(\.values)
    }

    // MARK: Writing

    /// All of `body` or, when it throws, nothing.
    /// - Throws: what `body` throws, or a `StoreError` where the file fails.
    @discardableResult
    package func write<Value: Sendable>(_ body: (StoreTransaction) throws -> Value) throws -> Value {
        do {
            // What is in memory changes in the order of commits: both happen while the queue is ours.
            let (value, hasChanged) = try self.queue.writeWithoutTransaction { database in
                let transaction = StoreTransaction(database)
                var value: Value?
                try database.inTransaction(.immediate) {
                    value = try body(transaction)
                    return .commit
                }
                self.resources.withLock { resources in
                    for (id, resource) in transaction.changes { resources[id.kind, default: [:]][id] = resource }
                }
                return (value!, !transaction.changes.isEmpty)
            }
            if hasChanged { self.changed.tell() }
            return value
        } catch let error as DatabaseError {
            throw Self.unusable(self.file, error)
        }
    }

    // MARK: Watching

    /// Yields after every change, several changes perhaps once. Ends with its reader.
    package func changes() -> AsyncStream<Void> { self.changed.listen() }

    /// Has everybody look again, because of something outside of the store.
    package func tell() { self.changed.tell() }

    // MARK: Errors

    private static func unusable(_ file: String, _ error: any Error) -> StoreError {
        if let error = error as? StoreError { return error }
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
