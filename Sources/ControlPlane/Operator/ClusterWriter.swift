package import JSONModel
package import KubeAPI
package import KubeRuntime

/// The writes the operator makes, so that tests can stand in for the API server.
package protocol ClusterWriter: Sendable {
    func find(_ type: ResourceType, _ key: ObjectKey) async throws(KubeError) -> KubeObject?
    func create(_ type: ResourceType, _ object: KubeObject) async throws(KubeError) -> KubeObject
    /// With the object's `resourceVersion`: only if nobody wrote since.
    func replace(_ type: ResourceType, _ object: KubeObject) async throws(KubeError) -> KubeObject
    func apply(
        _ type: ResourceType, _ object: KubeObject, subresource: String?, manager: String, force: Bool
    ) async throws(KubeError) -> KubeObject
    /// Replaces members of an object (a JSON merge patch): lists as a whole.
    func merge(_ type: ResourceType, _ key: ObjectKey, _ patch: JSON) async throws(KubeError) -> KubeObject
    /// Only the object of this uid. False when it was gone already.
    func delete(_ type: ResourceType, _ key: ObjectKey, uid: String) async throws(KubeError) -> Bool
}

extension KubeClient: ClusterWriter {
    package func find(_ type: ResourceType, _ key: ObjectKey) async throws(KubeError) -> KubeObject? {
        try await self.find(type, key.name, namespace: key.namespace)
    }

    package func create(_ type: ResourceType, _ object: KubeObject) async throws(KubeError) -> KubeObject {
        try await self.create(type, object, fieldManager: "egret")
    }

    package func replace(_ type: ResourceType, _ object: KubeObject) async throws(KubeError) -> KubeObject {
        try await self.replace(type, object, subresource: nil)
    }

    package func apply(
        _ type: ResourceType, _ object: KubeObject, subresource: String?, manager: String, force: Bool
    ) async throws(KubeError) -> KubeObject {
        try await self.apply(type, object, subresource: subresource, fieldManager: manager, force: force)
    }

    package func merge(_ type: ResourceType, _ key: ObjectKey, _ patch: JSON) async throws(KubeError) -> KubeObject {
        try await self.patch(.merge, type, key.name, namespace: key.namespace, body: patch, fieldManager: "egret")
    }

    package func delete(_ type: ResourceType, _ key: ObjectKey, uid: String) async throws(KubeError) -> Bool {
        try await self.delete(type, key.name, namespace: key.namespace, preconditions: .init(uid: uid))
    }
}
