package import FoundationEssentials
package import JSONModel

/// Names one resource: kind, mesh (empty for kinds that belong to none) and name.
package struct ResourceID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var kind: String
    package var mesh: String
    package var name: String

    package init(kind: String, mesh: String = "", name: String) {
        self.kind = kind
        self.mesh = mesh
        self.name = name
    }

    package var description: String { self.mesh.isEmpty ? "\(self.kind) \(self.name)" : "\(self.kind) \(self.name) of mesh \(self.mesh)" }

    package static func < (left: Self, right: Self) -> Bool {
        (left.kind, left.mesh, left.name) < (right.kind, right.mesh, right.name)
    }
}

/// A resource as it is kept. Times are whole milliseconds.
package struct StoredResource: Hashable, Sendable {
    package var id: ResourceID
    /// Grows with every write to the store, over all resources.
    package var version: Int64
    package var created: Date
    package var modified: Date
    package var labels: [String: String]
    /// The fields in the universal form, without type, mesh and name.
    package var spec: JSON
    /// What the control plane last said about it; null before it said anything. Not part of the version.
    package var status: JSON

    package init(
        id: ResourceID, version: Int64, created: Date, modified: Date, labels: [String: String], spec: JSON, status: JSON = nil
    ) {
        self.id = id
        self.version = version
        self.created = created
        self.modified = modified
        self.labels = labels
        self.spec = spec
        self.status = status
    }
}

/// What a write may assume.
package enum Precondition: Hashable, Sendable {
    /// Whatever is there.
    case any
    /// Nothing is there.
    case absent
    /// What was read is still there.
    case version(Int64)
}

package struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        /// The file cannot be used: not ours, not writable, full, damaged, in use by another process.
        case unusable
        /// Somebody else changed it in the meantime.
        case conflict
        /// The name is taken.
        case exists
        case notFound
    }

    package var reason: Reason
    package var description: String

    package init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }
}
