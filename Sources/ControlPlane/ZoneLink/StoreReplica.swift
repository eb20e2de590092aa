import FoundationEssentials
import JSONModel
import MeshModel
import Planning
import Store
import ZoneSync

/// A zone without Kubernetes keeps what came down in its store.
struct StoreReplica: ReplicaKeeper {
    private let store: ResourceStore

    init(_ store: ResourceStore) { self.store = store }

    func changes() -> any AsyncSequence<Void, Never> & Sendable { self.store.changes() }

    var stamp: Int {
        GlobalShare.kinds.flatMap { self.store.unordered(kind: $0) }.reduce(0) { $0 &+ Hasher.of($1.id, $1.version) }
    }

    /// All of it, or nothing.
    func keep(_ wanted: [SharedItem]) throws -> [String] {
        let rows = GlobalShare.kinds.flatMap { self.store.unordered(kind: $0) }
        let present = Dictionary(
            uniqueKeysWithValues: rows.map {
                (SharedItem.ID($0.id), ReplicaPlan.Present(SharedItem($0), isReplica: Origin.isGlobal($0.labels)))
            })
        let aside = Set(GlobalShare.kinds.flatMap { self.store.unordered(kind: Self.prefix + $0) }.map { Self.back($0.id) })
        let plan = ReplicaPlan(wanted: wanted, present: present, setAside: aside)
        if !plan.changes.isEmpty {
            let now = Date()
            try self.store.write { transaction in
                for change in plan.changes { try Self.perform(change, transaction, now: now) }
            }
        }
        return plan.sentences
    }

    // A kind that nobody looks for: what gave way, under its own name.
    private static let prefix = "SetAside/"

    private static func away(_ id: SharedItem.ID) -> ResourceID { ResourceID(kind: Self.prefix + id.kind, mesh: id.mesh, name: id.name) }

    private static func back(_ id: ResourceID) -> SharedItem.ID {
        SharedItem.ID(kind: String(id.kind.dropFirst(Self.prefix.count)), mesh: id.mesh, name: id.name)
    }

    private static func perform(_ change: ReplicaPlan.Change, _ transaction: StoreTransaction, now: Date) throws {
        func move(_ from: ResourceID, _ to: ResourceID) throws {
            guard let resource = try transaction.delete(from) else { return }
            try transaction.put(to, labels: resource.labels, spec: resource.spec, now: now)
        }
        switch change {
        case .write(let item): try transaction.put(ResourceID(item.id), labels: item.labels, spec: item.spec, now: now)
        case .delete(let id): try transaction.delete(ResourceID(id))
        case .setAside(let id): try move(ResourceID(id), Self.away(id))
        case .restore(let id): try move(Self.away(id), ResourceID(id))
        }
    }
}
