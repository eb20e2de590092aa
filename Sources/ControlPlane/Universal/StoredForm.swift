import FoundationEssentials
import JSONModel
import KubeAPI
import MeshModel
import Store

/// How resources of the store look to planning: as objects, with the mesh of those that belong to one in the place of the
/// namespace. Secrets of both kinds are Secrets of the system namespace, under the names they have there on Kubernetes.
enum StoredForm {
    /// What stands for the system namespace.
    static let systemNamespace = "kuma-system"

    private static let types: [String: ResourceType] = Dictionary(
        uniqueKeysWithValues: ResourceType.kumaTypes.map { ($0.kind, $0) })

    /// Nil for a kind that planning does not know.
    static func object(_ resource: StoredResource) -> KubeObject? {
        if let kind = ResourceKind.named(resource.id.kind), kind.isSecret { return self.secret(resource) }
        guard let type = self.types[resource.id.kind] else { return nil }
        let mesh = resource.id.mesh.isEmpty ? nil : resource.id.mesh
        var object = KubeObject(type, name: resource.id.name, namespace: mesh, labels: resource.labels)
        object["mesh"] = mesh.map(JSON.string)
        object.spec = resource.spec
        if !resource.status.isNull { object.status = resource.status }
        self.stamp(&object, resource)
        return object
    }

    private static func secret(_ resource: StoredResource) -> KubeObject? {
        guard let data = resource.spec["data"]?.string else { return nil }
        var labels = resource.labels
        if !resource.id.mesh.isEmpty { labels["kuma.io/mesh"] = resource.id.mesh }
        var object = KubeObject(.secrets, name: resource.id.name, namespace: self.systemNamespace, labels: labels)
        if resource.spec["entries"] == true, let json = Data(base64Encoded: data).flatMap({ try? JSON(parsing: $0) }) {
            object["type"] = "kubernetes.io/tls"
            object["data"] = json
        } else {
            object["type"] = "system.kuma.io/secret"
            object["data"] = ["value": .string(data)]
        }
        self.stamp(&object, resource)
        return object
    }

    private static func stamp(_ object: inout KubeObject, _ resource: StoredResource) {
        object.metadata.uid = resource.id.description
        object.metadata.json["creationTimestamp"] = .string(resource.created.formatted(.iso8601))
        object.metadata.resourceVersion = "\(resource.version)"
        object.metadata.generation = Int(clamping: resource.version)
    }

    /// Where an object is in the store, and what is stored of it.
    static func stored(_ object: KubeObject) -> (id: ResourceID, labels: [String: String], spec: JSON) {
        guard object.kind == "Secret" else {
            return (
                ResourceID(kind: object.kind, mesh: object.namespace ?? "", name: object.name), object.metadata.labels, object.spec
            )
        }
        var labels = object.metadata.labels
        let mesh = labels.removeValue(forKey: "kuma.io/mesh") ?? ""
        let id = ResourceID(kind: mesh.isEmpty ? ResourceKind.globalSecret.name : ResourceKind.secret.name, mesh: mesh, name: object.name)
        if let value = object["data"]?["value"] { return (id, labels, ["data": value]) }
        let entries = (object["data"] ?? [:]).data.base64EncodedString()
        return (id, labels, ["data": .string(entries), "entries": true])
    }
}
