import JSONModel
import KubeAPI
import MeshModel

/// What was made in the cluster under a name that the global control plane has, too, is kept in the object that took its place: in an
/// annotation, of a Secret under a key of its own, because annotations are shown to everybody.
extension ClusterForm {
    private static let annotation = "egret.io/set-aside-content"
    private static let secretKey = "set-aside"

    static func holdsSetAside(_ object: KubeObject) -> Bool {
        object.metadata.annotations[Self.annotation] != nil || object["data"]?[Self.secretKey] != nil
    }

    /// The object that takes the place of `before`, with everything that is kept of that.
    static func replacing(_ before: KubeObject, by wanted: KubeObject, settingAside: Bool) -> KubeObject {
        var object = wanted
        object.metadata.resourceVersion = before.metadata.resourceVersion
        object.metadata.uid = before.metadata.uid
        if before.kind == ResourceType.secrets.kind {
            object["data"]?[Self.secretKey] = settingAside ? before["data"]?["value"] : before["data"]?[Self.secretKey]
            return object
        }
        let kept: String? =
            settingAside
            ? (["labels": .object(before.metadata.labels.mapValues(JSON.string)), "spec": before.spec] as JSON).text
            : before.metadata.annotations[Self.annotation]
        object.metadata.annotations[Self.annotation] = kept
        return object
    }

    /// What was set aside, in its place again; nil where nothing was.
    static func restored(_ replica: KubeObject) -> KubeObject? {
        var object = replica
        for annotation in [Self.annotation, Self.contentAnnotation, Origin.displayName] { object.metadata.annotations[annotation] = nil }
        for label in [Origin.label, Origin.displayName, Origin.setAsideLabel] { object.metadata.labels[label] = nil }
        if replica.kind == ResourceType.secrets.kind {
            guard let value = replica["data"]?[Self.secretKey] else { return nil }
            object["data"] = ["value": value]
            return object
        }
        guard let json = replica.metadata.annotations[Self.annotation].flatMap({ try? JSON(parsing: $0) }) else { return nil }
        object.metadata.labels = (json["labels"]?.object ?? [:]).compactMapValues(\.string)
        object.spec = json["spec"] ?? [:]
        return object
    }
}
