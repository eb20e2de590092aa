import FoundationEssentials
import MeshModel
import Store
import ZoneSync

/// The resources of zones in the global control plane's store.
enum ZoneResources {
    /// Makes a zone's resources those of a report.
    static func replace(_ zone: String, with report: ZoneReport, in store: ResourceStore, now: Date) throws {
        let rows = ZoneReport.kinds.flatMap { store.unordered(kind: $0.name) }
        let present = Dictionary(
            uniqueKeysWithValues: rows.map { (SharedItem.ID($0.id), ReplicaPlan.Present(SharedItem($0), isReplica: $0.isOf(zone: zone))) })
        let plan = ReplicaPlan(wanted: report.resources, present: present)
        let statuses = report.insights.filter { store[ResourceID($0.key)]?.status != $0.value.status }
        if plan.changes.isEmpty, statuses.isEmpty { return }
        try store.write { transaction in
            for change in plan.changes {
                switch change {
                case .write(let item): try transaction.put(ResourceID(item.id), labels: item.labels, spec: item.spec, now: now)
                case .delete(let id): try transaction.delete(ResourceID(id))
                // Nobody makes resources of these kinds here.
                case .setAside, .restore: break
                }
            }
            for (id, insight) in statuses { try transaction.putStatus(ResourceID(id), insight.status) }
        }
    }

    /// With a zone goes what it told.
    static func delete(_ zone: String, _ transaction: StoreTransaction) throws {
        for kind in ZoneReport.kinds {
            for resource in try transaction.list(kind: kind.name) where resource.isOf(zone: zone) { try transaction.delete(resource.id) }
        }
    }
}

extension StoredResource {
    fileprivate func isOf(zone: String) -> Bool {
        self.labels[Origin.zoneLabel] == zone && self.labels[Origin.label] == Origin.zone.rawValue
    }
}
