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
    /// Wanted and not written, because something made here has the name; each by id.
    package private(set) var blocked: [SharedItem.ID] = []

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
        // Meshes first: what belongs to them makes sense only then.
        for item in wanted.sorted(by: {
            ($0.id.kind == ResourceKind.mesh.name ? 0 : 1, $0.id) < ($1.id.kind == ResourceKind.mesh.name ? 0 : 1, $1.id)
        }) {
            switch present[item.id] {
            case nil: self.changes.append(.write(item))
            case let found? where found.isReplica: if !isSame(item, found.item) { self.changes.append(.write(item)) }
            case .some where Replica.keepsName(item.id): self.changes += [.setAside(item.id), .write(item)]
            case .some: self.blocked.append(item.id)
            }
        }
    }
}
