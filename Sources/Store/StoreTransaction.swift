package import FoundationEssentials
import GRDB
package import JSONModel

/// What can be done to the store at once, all or nothing. Valid only inside the call that gives it.
package final class StoreTransaction {
    private let database: Database
    /// What is different afterwards; nil: gone.
    private(set) var changes: [ResourceID: StoredResource?] = [:]

    init(_ database: Database) { self.database = database }

    package func get(_ id: ResourceID) throws -> StoredResource? {
        try Row.fetchOne(
            self.database, sql: "SELECT * FROM resource WHERE kind = ? AND mesh = ? AND name = ?", arguments: [id.kind, id.mesh, id.name]
        ).map(Self.resource)
    }

    package func list(kind: String? = nil) throws -> [StoredResource] {
        let order = "ORDER BY kind, mesh, name"
        let rows =
            if let kind {
                try Row.fetchAll(self.database, sql: "SELECT * FROM resource WHERE kind = ? \(order)", arguments: [kind])
            } else {
                try Row.fetchAll(self.database, sql: "SELECT * FROM resource \(order)")
            }
        return try rows.map(Self.resource)
    }

    /// Creates or replaces. Equal content writes nothing and keeps the version.
    @discardableResult
    package func put(
        _ id: ResourceID, labels: [String: String] = [:], spec: JSON, now: Date, expecting: Precondition = .any
    ) throws -> (resource: StoredResource, isNew: Bool) {
        let before = try self.get(id)
        try Self.check(expecting, before, id)
        if let before, before.labels == labels, before.spec == spec { return (before, false) }
        let now = Date(milliseconds: now.milliseconds)
        let resource = StoredResource(
            id: id, version: try self.nextVersion(), created: before?.created ?? now, modified: now, labels: labels, spec: spec,
            status: before?.status ?? nil)
        try self.save(resource)
        return (resource, before == nil)
    }

    /// Changes what is said about a resource, and nothing else. False when there is no such resource, or it says that already.
    @discardableResult
    package func putStatus(_ id: ResourceID, _ status: JSON) throws -> Bool {
        guard var resource = try self.get(id), resource.status != status else { return false }
        resource.status = status
        try self.save(resource)
        return true
    }

    private func save(_ resource: StoredResource) throws {
        let id = resource.id
        self.changes[id] = .some(resource)
        try self.database.execute(
            sql: """
                INSERT OR REPLACE INTO resource (kind, mesh, name, version, created, modified, labels, spec, status)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                id.kind, id.mesh, id.name, resource.version, resource.created.milliseconds, resource.modified.milliseconds,
                JSON.object(resource.labels.mapValues(JSON.string)).text, resource.spec.text, resource.status.text,
            ])
    }

    /// Nil when there was nothing to delete.
    @discardableResult
    package func delete(_ id: ResourceID, expecting: Precondition = .any) throws -> StoredResource? {
        guard let before = try self.get(id) else { return nil }
        try Self.check(expecting, before, id)
        _ = try self.nextVersion()
        self.changes[id] = .some(nil)
        try self.database.execute(
            sql: "DELETE FROM resource WHERE kind = ? AND mesh = ? AND name = ?", arguments: [id.kind, id.mesh, id.name])
        return before
    }

    private func nextVersion() throws -> Int64 {
        try self.database.execute(sql: "UPDATE counter SET version = version + 1 WHERE id = 1")
        return try Int64.fetchOne(self.database, sql: "SELECT version FROM counter WHERE id = 1") ?? 0
    }

    private static func check(_ expecting: Precondition, _ before: StoredResource?, _ id: ResourceID) throws {
        switch expecting {
        case .any: break
        case .absent where before != nil: throw StoreError(.exists, "\(id) exists already")
        case .absent: break
        case .version(let version):
            guard let before else { throw StoreError(.notFound, "\(id) is gone") }
            guard before.version == version else {
                throw StoreError(.conflict, "\(id) was changed by somebody else in the meantime; read it again and repeat the change")
            }
        }
    }

    private static func resource(_ row: Row) throws -> StoredResource {
        let id = ResourceID(kind: row["kind"], mesh: row["mesh"], name: row["name"])
        guard let labels = try? JSON(parsing: row["labels"] as String).object?.compactMapValues(\.string),
            let spec = try? JSON(parsing: row["spec"] as String), let status = try? JSON(parsing: row["status"] as String)
        else { throw StoreError(.unusable, "the stored \(id) is not readable") }
        return StoredResource(
            id: id, version: row["version"], created: Date(milliseconds: row["created"]), modified: Date(milliseconds: row["modified"]),
            labels: labels, spec: spec, status: status)
    }
}

extension Date {
    fileprivate var milliseconds: Int64 { Int64((self.timeIntervalSince1970 * 1000).rounded(.down)) }

    fileprivate init(milliseconds: Int64) { self.init(timeIntervalSince1970: Double(milliseconds) / 1000) }
}
