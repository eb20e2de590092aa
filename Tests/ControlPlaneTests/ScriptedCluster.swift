import ControlPlane
import Foundation
import JSONModel
import KubeAPI
import Synchronization

/// An API server of the size of a dictionary: keeps objects, counts versions, remembers writes, fails on demand.
final class ScriptedCluster: ClusterWriter {
    private struct State {
        var objects: [String: KubeObject] = [:]
        var version = 0
        var writes: [String] = []
        var failures: [String: KubeError] = [:]
        var beforeCreate: (@Sendable (ScriptedCluster) -> Void)?
    }

    private let state = Mutex(State())

    private static func path(_ type: ResourceType, _ key: ObjectKey) -> String { "\(type.kind)/\(key)" }

    subscript(_ type: ResourceType, _ key: ObjectKey) -> KubeObject? {
        get { self.state.withLock { $0.objects[Self.path(type, key)] } }
        set {
            self.state.withLock { state in
                state.version += 1
                var object = newValue
                object?.metadata.resourceVersion = "\(state.version)"
                state.objects[Self.path(type, key)] = object
            }
        }
    }

    /// What was written, in order, events left out.
    var writes: [String] { self.state.withLock { $0.writes.filter { !$0.contains(" Event/") } } }
    var events: [String] { self.state.withLock { $0.writes.filter { $0.contains(" Event/") } } }

    var beforeCreate: (@Sendable (ScriptedCluster) -> Void)? {
        get { self.state.withLock { $0.beforeCreate } }
        set { self.state.withLock { $0.beforeCreate = newValue } }
    }

    /// Every write of this form (`apply Deployment/kuma-system/x`) fails from now on; nil lets it pass again.
    func fail(_ write: String, with error: KubeError?) { self.state.withLock { $0.failures[write] = error } }

    private func write(_ verb: String, _ type: ResourceType, _ key: ObjectKey) throws(KubeError) {
        let line = "\(verb) \(Self.path(type, key))"
        let failure = self.state.withLock { $0.failures[line] }
        if let failure { throw failure }
        self.state.withLock { $0.writes.append(line) }
    }

    func find(_ type: ResourceType, _ key: ObjectKey) async throws(KubeError) -> KubeObject? { self[type, key] }

    func create(_ type: ResourceType, _ object: KubeObject) async throws(KubeError) -> KubeObject {
        let hook = self.state.withLock { state in
            defer { if type != .newEvents { state.beforeCreate = nil } }
            return type == .newEvents ? nil : state.beforeCreate
        }
        hook?(self)
        if self[type, object.key] != nil {
            throw .alreadyExists(KubeStatus(code: 409, reason: "AlreadyExists", message: "\(object.name) already exists"))
        }
        try self.write("create", type, object.key)
        self[type, object.key] = object
        return self[type, object.key] ?? object
    }

    func replace(_ type: ResourceType, _ object: KubeObject) async throws(KubeError) -> KubeObject {
        guard self[type, object.key]?.metadata.resourceVersion == object.metadata.resourceVersion else {
            throw .conflict(KubeStatus(code: 409, reason: "Conflict", message: "somebody wrote first"))
        }
        try self.write("replace", type, object.key)
        self[type, object.key] = object
        return self[type, object.key] ?? object
    }

    func apply(
        _ type: ResourceType, _ object: KubeObject, subresource: String?, manager: String, force: Bool
    ) async throws(KubeError) -> KubeObject {
        try self.write(subresource.map { "apply \($0) of" } ?? "apply", type, object.key)
        self[type, object.key] = object
        return self[type, object.key] ?? object
    }

    func merge(_ type: ResourceType, _ key: ObjectKey, _ patch: JSON) async throws(KubeError) -> KubeObject {
        try self.write("merge", type, key)
        var object = self[type, key] ?? KubeObject(type, name: key.name, namespace: key.namespace)
        for (member, value) in patch["spec"]?.object ?? [:] { object.json.set(["spec", member], to: value) }
        self[type, key] = object
        return self[type, key] ?? object
    }

    func delete(_ type: ResourceType, _ key: ObjectKey, uid: String) async throws(KubeError) -> Bool {
        guard let found = self[type, key] else { return false }
        guard found.metadata.uid == uid else {
            throw .conflict(KubeStatus(code: 409, reason: "Conflict", message: "the uid in the precondition does not match"))
        }
        try self.write("delete", type, key)
        self[type, key] = nil
        return true
    }
}
