import JSONModel
import KubeAPI
import MeshModel
import ZoneSync

/// Items of the global control plane as objects of a cluster, and back.
///
/// Kinds that a namespace holds are in the system namespace, with their mesh in the label `kuma.io/mesh`; the others have it at the top.
/// A label has less room than a name: a display name that does not fit is an annotation.
struct ClusterForm: Sendable {
    let namespace: String

    /// Of the item that an object was made from: whether it has to be written again is seen without comparing everything.
    static let contentAnnotation = "egret.io/content"
    private static let meshLabel = "kuma.io/mesh"
    private static let secretTypes = [
        ResourceKind.secret.name: "system.kuma.io/secret", ResourceKind.globalSecret.name: "system.kuma.io/global-secret",
    ]

    /// Every type that holds what comes down, each once.
    static let types: [ResourceType] = ResourceType.kumaTypes.filter { GlobalShare.kinds.contains($0.kind) } + [.secrets]

    /// Nil for a kind that this program does not know.
    func place(of id: SharedItem.ID) -> (type: ResourceType, key: ObjectKey)? {
        let type = Self.secretTypes[id.kind] == nil ? Self.types.first { $0.kind == id.kind } : .secrets
        return type.map { ($0, ObjectKey(namespace: $0.isNamespaced ? self.namespace : nil, name: id.name)) }
    }

    func object(_ item: SharedItem) -> KubeObject? {
        guard let (type, key) = self.place(of: item.id) else { return nil }
        var labels = item.labels
        var annotations = [Self.contentAnnotation: item.fingerprint]
        if let name = labels[Origin.displayName], !Self.fitsLabel(name) {
            labels[Origin.displayName] = nil
            annotations[Origin.displayName] = name
        }
        if type.isNamespaced, !item.id.mesh.isEmpty { labels[Self.meshLabel] = item.id.mesh }
        var object = KubeObject(type, name: key.name, namespace: key.namespace, labels: labels, annotations: annotations)
        if let secretType = Self.secretTypes[item.id.kind] {
            object["type"] = .string(secretType)
            object["data"] = ["value": item.spec["data"] ?? ""]
        } else {
            if !type.isNamespaced, !item.id.mesh.isEmpty { object["mesh"] = .string(item.id.mesh) }
            object.spec = item.spec
        }
        return object
    }

    /// Nil for an object that is none of the kinds, or counts nowhere.
    func item(_ object: KubeObject) -> SharedItem? {
        guard object.namespace == nil || object.namespace == self.namespace else { return nil }
        var kind = object.kind
        var spec = object.spec
        if kind == ResourceType.secrets.kind {
            guard let secret = Self.secretTypes.first(where: { $0.value == object["type"]?.string })?.key else { return nil }
            kind = secret
            spec = ["data": object["data"]?["value"] ?? ""]
        }
        var labels = object.metadata.labels
        let mesh = object["mesh"]?.string ?? labels.removeValue(forKey: Self.meshLabel)
        labels[Origin.displayName] = labels[Origin.displayName] ?? object.metadata.annotations[Origin.displayName]
        let isOfMesh = ResourceKind.named(kind)?.isOfMesh ?? false
        return SharedItem(
            .init(kind: kind, mesh: isOfMesh ? mesh ?? MeshName.default.text : "", name: object.name), labels: labels, spec: spec)
    }

    /// Whoever takes the label off has not made it his.
    static func isReplica(_ object: KubeObject) -> Bool {
        Origin.isGlobal(object.metadata.labels) || object.metadata.annotations[Self.contentAnnotation] != nil
    }

    private static func fitsLabel(_ text: String) -> Bool {
        func isEnd(_ byte: UInt8?) -> Bool { byte.map { Character(Unicode.Scalar($0)) }.map { $0.isLetter || $0.isNumber } ?? false }
        return text.utf8.count <= 63 && isEnd(text.utf8.first) && isEnd(text.utf8.last)
    }
}
