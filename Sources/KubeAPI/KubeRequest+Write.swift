package import JSONModel

extension KubeRequest {
    /// What a delete demands of the object it finds; a mismatch is a conflict.
    package struct Preconditions: Hashable, Sendable {
        package var uid: String?
        package var resourceVersion: String?

        package init(uid: String? = nil, resourceVersion: String? = nil) {
            self.uid = uid
            self.resourceVersion = resourceVersion
        }
    }

    /// The namespace comes from the object.
    package static func create(_ type: ResourceType, _ object: KubeObject, fieldManager: String? = nil) -> Self {
        Self(.post, type.path(namespace: object.namespace), query: self.manager(fieldManager), body: object.json)
    }

    /// Replaces the whole object; with `metadata.resourceVersion` set only if nobody wrote since.
    package static func replace(_ type: ResourceType, _ object: KubeObject, subresource: String? = nil, fieldManager: String? = nil) -> Self
    {
        Self(
            .put, type.path(namespace: object.namespace, name: object.name, subresource: subresource), query: self.manager(fieldManager),
            body: object.json)
    }

    package static func delete(
        _ type: ResourceType, _ name: String, namespace: String? = nil, preconditions: Preconditions? = nil,
        propagation: DeletionPropagation = .background, gracePeriodSeconds: Int? = nil
    ) -> Self {
        var options: JSON = [
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": .string(propagation.rawValue),
        ]
        if let gracePeriodSeconds { options["gracePeriodSeconds"] = JSON(gracePeriodSeconds) }
        if let preconditions {
            var json: JSON = .object([:])
            json["uid"] = preconditions.uid.map(JSON.string)
            json["resourceVersion"] = preconditions.resourceVersion.map(JSON.string)
            options["preconditions"] = json
        }
        return Self(.delete, type.path(namespace: namespace, name: name), body: options)
    }

    /// `kind` is any but `.apply`, which has a builder of its own.
    package static func patch(
        _ kind: PatchKind, _ type: ResourceType, _ name: String, namespace: String? = nil, subresource: String? = nil, body: JSON,
        fieldManager: String? = nil
    ) -> Self {
        Self(
            .patch, type.path(namespace: namespace, name: name, subresource: subresource), query: self.manager(fieldManager),
            contentType: kind.rawValue, body: body)
    }

    /// Server-side apply of the fields `fieldManager` owns: what the object says exists, what it no longer says is given
    /// up. `force` takes over fields that others own; without it they are a conflict.
    package static func apply(
        _ type: ResourceType, _ object: KubeObject, subresource: String? = nil, fieldManager: String, force: Bool = true
    ) -> Self {
        Self(
            .patch, type.path(namespace: object.namespace, name: object.name, subresource: subresource),
            query: [.init("fieldManager", fieldManager), .init("force", force ? "true" : "false")],
            contentType: PatchKind.apply.rawValue, body: object.json)
    }

    /// Sets `spec.replicas` through the scale subresource.
    package static func scale(_ type: ResourceType, _ name: String, namespace: String?, replicas: Int) -> Self {
        .patch(.merge, type, name, namespace: namespace, subresource: "scale", body: ["spec": ["replicas": JSON(replicas)]])
    }

    private static func manager(_ name: String?) -> [QueryItem] { name.map { [.init("fieldManager", $0)] } ?? [] }
}
