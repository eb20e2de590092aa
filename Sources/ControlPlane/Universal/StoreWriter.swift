import FoundationEssentials
package import JSONModel
package import KubeAPI
import MeshModel
package import Store

/// The operator's writes, into the store: authorities, the serving certificate, zones and statuses.
package struct StoreWriter: ClusterWriter {
    private let store: ResourceStore

    package init(_ store: ResourceStore) { self.store = store }

    package func find(_ type: ResourceType, _ key: ObjectKey) throws(KubeError) -> KubeObject? {
        let kinds = type == .secrets ? [ResourceKind.secret.name, ResourceKind.globalSecret.name] : [type.kind]
        for kind in kinds {
            for resource in self.store.list(kind: kind) where resource.id.name == key.name {
                if let object = StoredForm.object(resource), object.key == key { return object }
            }
        }
        return nil
    }

    package func create(_ type: ResourceType, _ object: KubeObject) throws(KubeError) -> KubeObject {
        try self.put(object, expecting: .absent)
    }

    package func replace(_ type: ResourceType, _ object: KubeObject) throws(KubeError) -> KubeObject {
        try self.put(object, expecting: object.metadata.resourceVersion.flatMap(Int64.init).map(Precondition.version) ?? .any)
    }

    /// Members of the spec are put over those that are there; a status is replaced.
    package func apply(
        _ type: ResourceType, _ object: KubeObject, subresource: String?, manager: String, force: Bool
    ) throws(KubeError) -> KubeObject {
        let (id, _, spec) = StoredForm.stored(object)
        return try self.perform(id) { transaction in
            guard let before = try transaction.get(id) else { throw StoreError(.notFound, "\(id) is gone") }
            if subresource == "status" {
                try transaction.putStatus(id, object.status)
            } else {
                var merged = before.spec
                for (key, value) in spec.object ?? [:] { merged[key] = value }
                try transaction.put(id, labels: before.labels, spec: merged, now: Date())
            }
        }
    }

    package func merge(_ type: ResourceType, _ key: ObjectKey, _ patch: JSON) throws(KubeError) -> KubeObject {
        // Only children on Kubernetes are ever merged.
        throw KubeError(KubeStatus(code: 405, reason: "MethodNotAllowed", message: "the store does not merge \(type.kind)"))
    }

    package func delete(_ type: ResourceType, _ key: ObjectKey, uid: String) throws(KubeError) -> Bool {
        let id = ResourceID(kind: type.kind, mesh: key.namespace ?? "", name: key.name)
        do { return try self.store.write { try $0.delete(id) != nil } } catch { throw Self.kube(error) }
    }

    private func put(_ object: KubeObject, expecting: Precondition) throws(KubeError) -> KubeObject {
        let (id, labels, spec) = StoredForm.stored(object)
        return try self.perform(id) { transaction in
            try transaction.put(id, labels: labels, spec: spec, now: Date(), expecting: expecting)
        }
    }

    private func perform(_ id: ResourceID, _ body: (StoreTransaction) throws -> Void) throws(KubeError) -> KubeObject {
        do { try self.store.write(body) } catch { throw Self.kube(error) }
        guard let object = self.store[id].flatMap(StoredForm.object) else {
            throw KubeError(KubeStatus(code: 404, reason: "NotFound", message: "\(id) is gone"))
        }
        return object
    }

    private static func kube(_ error: any Error) -> KubeError {
        guard let error = error as? StoreError else {
            return .server(KubeStatus(code: 500, reason: "InternalError", message: "\(error)"))
        }
        return switch error.reason {
        case .conflict: .conflict(KubeStatus(code: 409, reason: "Conflict", message: error.description))
        case .exists: .alreadyExists(KubeStatus(code: 409, reason: "AlreadyExists", message: error.description))
        case .notFound: .notFound(KubeStatus(code: 404, reason: "NotFound", message: error.description))
        case .unusable: .server(KubeStatus(code: 500, reason: "InternalError", message: error.description))
        }
    }
}
