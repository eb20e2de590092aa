package import JSONModel

/// One line of a watch.
package enum WatchEvent: Hashable, Sendable {
    case added(KubeObject)
    case modified(KubeObject)
    case deleted(KubeObject)
    /// Only a new position; `atInitialEnd` marks the end of `sendInitialEvents`.
    case bookmark(resourceVersion: String, atInitialEnd: Bool)
    /// The server ends the watch and says why.
    case error(KubeStatus)

    package init(_ json: JSON) throws(GarbageInWatch) {
        guard let type = json["type"]?.string, let object = json["object"], object.object != nil else {
            throw GarbageInWatch("a watch line has no type and object")
        }
        switch type {
        case "ADDED": self = .added(KubeObject(object))
        case "MODIFIED": self = .modified(KubeObject(object))
        case "DELETED": self = .deleted(KubeObject(object))
        case "BOOKMARK":
            guard let version = object.at("metadata", "resourceVersion")?.string else {
                throw GarbageInWatch("a bookmark has no resourceVersion")
            }
            let mark = object.at("metadata", "annotations", "k8s.io/initial-events-end")?.string
            self = .bookmark(resourceVersion: version, atInitialEnd: mark == "true")
        case "ERROR": self = .error(KubeStatus(object) ?? KubeStatus(code: 500, reason: "", message: "the watch failed without a status"))
        default: throw GarbageInWatch("the unknown event type \(type.prefix(40))")
        }
    }
}

/// Bytes in a watch that are no events.
package struct GarbageInWatch: Error, Hashable, Sendable, CustomStringConvertible {
    package let reason: String

    init(_ reason: String) { self.reason = reason }

    package var description: String { "the watch sent garbage: \(self.reason)" }
}
