import MeshModel

/// What has to happen so that a control plane has, of another one's resources, exactly those it was told.
///
/// Decided by origin alone: resources made here are never written or deleted. One that is known by a name which the other side
/// has, too, is set aside for as long as that is so, and comes back unchanged; who came first does not matter.
package struct ReplicaPlan: Hashable, Sendable {
    package enum Change: Hashable, Sendable {
        case write(SharedItem)
        case delete(SharedItem.ID)
        /// One made here gives way; the write of the other side's follows.
        case setAside(SharedItem.ID)
        /// And comes back, after the delete of the other side's.
        case restore(SharedItem.ID)

        package var id: SharedItem.ID {
            switch self {
            case .write(let item): item.id
            case .delete(let id), .setAside(let id), .restore(let id): id
            }
        }
    }

    package struct Present: Hashable, Sendable {
        package var item: SharedItem
        /// Whether it is the other side's.
        package var isReplica: Bool

        package init(_ item: SharedItem, isReplica: Bool) {
            self.item = item
            self.isReplica = isReplica
        }
    }

    package private(set) var changes: [Change] = []
    /// Wanted and not written, because something made here has the name.
    package private(set) var blocked: [SharedItem.ID] = []
    /// Made here, and set aside now or before.
    package private(set) var setAside: [SharedItem.ID] = []

    /// - Parameters:
    ///   - wanted: what this side should have of the other's.
    ///   - present: what it has, of kinds that are shared.
    ///   - setAside: what it had to set aside before.
    ///   - isSame: whether one that is there is as wanted; servers add fields of their own.
    package init(
        wanted: [SharedItem], present: [SharedItem.ID: Present], setAside: Set<SharedItem.ID> = [],
        isSame: (_ wanted: SharedItem, _ present: SharedItem) -> Bool = { $0 == $1 }
    ) {
        let ids = Set(wanted.map(\.id))
        for (id, present) in present.sorted(by: { $0.key < $1.key }) where present.isReplica && !ids.contains(id) {
            self.changes.append(.delete(id))
        }
        for id in setAside.sorted() where !ids.contains(id) { self.changes.append(.restore(id)) }
        func rank(_ item: SharedItem) -> Int { item.id.kind == ResourceKind.mesh.name ? 0 : 1 }
        // Meshes first: what belongs to them makes sense only then.
        for item in wanted.sorted(by: { (rank($0), $0.id) < (rank($1), $1.id) }) {
            let found = present[item.id]
            if let found, !found.isReplica, !Replica.keepsName(item.id) {
                self.blocked.append(item.id)
                continue
            }
            var item = item
            if found?.isReplica == false { self.changes.append(.setAside(item.id)) }
            if found?.isReplica == false || setAside.contains(item.id) {
                item.labels[Origin.setAsideLabel] = "true"
                self.setAside.append(item.id)
            }
            if found?.isReplica != true || !isSame(item, found?.item ?? item) { self.changes.append(.write(item)) }
        }
    }

    /// What a person should know of.
    package var sentences: [String] {
        self.setAside.map { "\($0): one made in this zone has this name, too; it is set aside while the global control plane has one" }
            + self.blocked.map { "\($0) is made in this zone under a name that the global control plane's needs; rename it" }
    }
}
