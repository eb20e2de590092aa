import FoundationEssentials
import JSONModel

extension APIService {
    func create(_ call: Call) async throws -> APIReply {
        switch call.type.qualifiedName {
        case "tokenreviews.authentication.k8s.io": return try await self.reviewToken(call)
        case "selfsubjectaccessreviews.authorization.k8s.io": return try self.reviewAccess(call)
        default: break
        }
        let object = try self.decodeBody(call, as: call.type)
        let (created, warnings) = try self.store.transact(isDry: call.request.isDryRun) { transaction in
            try self.insert(object, call, in: &transaction, applying: false)
        }
        self.didWrite(created, call)
        return try self.present(created, call, code: 201, warnings: warnings)
    }

    /// Makes an object ready and stores it; apply uses it for objects that do not exist yet.
    /// - Parameter applying: managedFields are already in the object.
    func insert(_ input: JSON, _ call: Call, in transaction: inout Transaction, applying: Bool) throws -> (JSON, [String]) {
        let type = call.type
        var object = input
        try self.place(&object, call)
        let name = object.meta("name") ?? ""
        let key = call.key(name)
        if type.hasStatus, type.qualifiedName != "nodes" { object["status"] = nil }
        let warnings = try self.normalize(&object, old: nil, call: call, type: type)
        try self.checkNamespace(call, name: name, in: transaction)
        object.setMeta("uid", JSON(UUID().uuidString.lowercased()))
        object.setMeta("creationTimestamp", JSON(self.timestamp))
        for name in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"] {
            object.setMeta(name, nil)
        }
        if type.countsGenerations { object.setMeta("generation", 1) }
        type.behaviour.complete?(&object, nil)
        // Before admission: what that adds is nobody's.
        if !applying { self.recordUpdate(&object, from: nil, call: call, subresource: nil) }
        try self.admit(&object, call, in: transaction)
        try self.validate(object, old: nil, type: type)
        if transaction.object(key) != nil { throw APIError.alreadyExists(type, name) }
        if type.qualifiedName == CustomResourceNames.definitions {
            try self.checkServable(object, type)
            object["status"] = DefinitionRules.status(of: object, old: nil, now: self.timestamp)
        }
        let stored = transaction.put(type.storage?.toStored(object) ?? object, at: key)
        if type.qualifiedName == "namespaces" { self.furnish(namespace: name, in: &transaction) }
        var created = self.versioned(stored, type)
        // What is not stored has no version.
        if call.request.isDryRun { created.setMeta("resourceVersion", nil) }
        return (created, warnings)
    }

    /// Settles namespace and name.
    private func place(_ object: inout JSON, _ call: Call) throws(APIError) {
        if call.type.isNamespaced {
            guard !call.namespace.isEmpty else { throw .badRequest("an empty namespace may not be set during creation") }
            if let given = object.meta("namespace"), !given.isEmpty, given != call.namespace {
                throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
            }
            object.setMeta("namespace", JSON(call.namespace))
        } else {
            object.setMeta("namespace", nil)
        }
        guard object.meta("name")?.isEmpty ?? true else { return }
        guard let prefix = object.meta("generateName"), !prefix.isEmpty else {
            throw .invalid(call.type, "", [.required("metadata.name", "name or generateName is required")])
        }
        let letters = Array("bcdfghjklmnpqrstvwxz2456789")
        let suffix = String((0..<5).map { _ in letters[Int.random(in: 0..<letters.count)] })
        object.setMeta("name", JSON(prefix.prefix(58) + suffix))
    }

    private func checkNamespace(_ call: Call, name: String, in transaction: Transaction) throws(APIError) {
        guard call.type.isNamespaced else { return }
        let key = ObjectKey(resource: "namespaces", namespace: "", name: call.namespace)
        guard let namespace = transaction.object(key) else {
            throw APIError(
                code: 404, reason: "NotFound", message: "namespaces \"\(call.namespace)\" not found",
                details: ["name": JSON(call.namespace), "kind": "namespaces"])
        }
        guard namespace.isBeingDeleted else { return }
        var error = APIError.forbidden(
            call.type, name, "unable to create new content in namespace \(call.namespace) because it is being terminated")
        error.details?["causes"] = [
            [
                "reason": "NamespaceTerminating", "message": JSON("namespace \(call.namespace) is being terminated"),
                "field": "metadata.namespace",
            ]
        ]
        throw error
    }

    private func admit(_ object: inout JSON, _ call: Call, in transaction: Transaction) throws {
        guard let prepare = call.type.behaviour.prepareCreate else { return }
        do {
            let context = Behaviour.Context(
                now: self.timestamp,
                lookUp: { transaction.object(ObjectKey(resource: $0, namespace: $1, name: $2)) },
                all: { resource in transaction.list(resource).map(\.object) },
                randomNumber: { Int.random(in: $0) })
            try prepare(&object, context)
        } catch let errors as FieldErrors {
            throw APIError.invalid(call.type, object.meta("name") ?? "", errors.errors)
        }
    }

    /// Every namespace has a default service account and the cluster's CA.
    func furnish(namespace: String, in transaction: inout Transaction) {
        for (resource, name, extra) in [
            ("serviceaccounts", "default", ["apiVersion": "v1", "kind": "ServiceAccount"] as JSON),
            (
                "configmaps", "kube-root-ca.crt",
                ["apiVersion": "v1", "kind": "ConfigMap", "data": ["ca.crt": JSON(self.tokens.caPEM)]]
            ),
        ] {
            let key = ObjectKey(resource: resource, namespace: namespace, name: name)
            guard transaction.object(key) == nil else { continue }
            var object = extra
            object["metadata"] = [
                "name": JSON(name), "namespace": JSON(namespace), "uid": JSON(UUID().uuidString.lowercased()),
                "creationTimestamp": JSON(self.timestamp),
            ]
            _ = transaction.put(object, at: key)
        }
    }
}

enum CustomResourceNames {
    static let definitions = "customresourcedefinitions.apiextensions.k8s.io"
    static let cleanup = "customresourcecleanup.apiextensions.k8s.io"
}
