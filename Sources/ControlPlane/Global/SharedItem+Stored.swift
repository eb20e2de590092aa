import Store
import ZoneSync

extension SharedItem {
    init(_ resource: StoredResource) { self.init(ID(resource.id), labels: resource.labels, spec: resource.spec) }
}

extension SharedItem.ID {
    init(_ id: ResourceID) { self.init(kind: id.kind, mesh: id.mesh, name: id.name) }
}

extension ResourceID {
    init(_ id: SharedItem.ID) { self.init(kind: id.kind, mesh: id.mesh, name: id.name) }
}
