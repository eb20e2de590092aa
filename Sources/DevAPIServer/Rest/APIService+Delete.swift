import FoundationEssentials
import JSONModel

/// What a client says about a deletion, in the body or the query.
struct DeleteOptions: Hashable, Sendable {
    var gracePeriodSeconds: Int?
    var propagation: String?
    var uid: String?
    var resourceVersion: String?

    var isDryRun: Bool

    /// - Parameter body: the DeleteOptions object, empty where the request has none
    init(_ body: JSON, _ request: APIRequest) throws(APIError) {
        self.isDryRun = request.isDryRun || body["dryRun"]?.array?.contains("All") ?? false
        self.gracePeriodSeconds = body["gracePeriodSeconds"]?.int ?? request.query["gracePeriodSeconds"].flatMap(Int.init)
        self.propagation = body["propagationPolicy"]?.string ?? request.query["propagationPolicy"]
        if body["orphanDependents"]?.bool == true || request.query["orphanDependents"] == "true" { self.propagation = "Orphan" }
        self.uid = body.at("preconditions", "uid")?.string
        self.resourceVersion = body.at("preconditions", "resourceVersion")?.string
        if let policy = self.propagation, !["Orphan", "Background", "Foreground"].contains(policy) {
            throw .badRequest(
                "propagationPolicy: Unsupported value: \"\(policy)\": supported values: \"Background\", \"Foreground\", \"Orphan\"")
        }
    }
}

extension APIService {
    func delete(_ call: Call, name: String) throws -> APIReply {
        let options = try self.deleteOptions(call.request)
        let (object, isGone) = try self.store.transact(isDry: options.isDryRun) { transaction in
            try self.remove(call.key(name), call.type, options, in: &transaction)
        }
        self.didWrite(object, call, isGone: isGone)
        let shown = self.versioned(object, call.type)
        if !isGone || call.type.returnsDeletedObject { return try self.present(shown, call) }
        var details: JSON = ["name": JSON(name), "kind": JSON(call.type.plural), "uid": object.at("metadata", "uid") ?? ""]
        if !call.type.group.isEmpty { details["group"] = JSON(call.type.group) }
        return .ok(["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "details": details])
    }

    private func deleteOptions(_ request: APIRequest) throws(APIError) -> DeleteOptions {
        try DeleteOptions(request.body.isEmpty ? [:] : try self.parseBody(request, typeName: "DeleteOptions"), request)
    }

    func deleteCollection(_ call: Call) throws -> APIReply {
        let options = try self.deleteOptions(call.request)
        let selection = try Selection(call)
        let removed = try self.store.transact(isDry: options.isDryRun) { transaction in
            try transaction.list(call.type.storedAs, namespace: call.target.namespace).filter { selection.matches($0.object) }
                .map { try self.remove($0.key, call.type, options, in: &transaction) }
        }
        for (object, isGone) in removed { self.didWrite(object, call, isGone: isGone) }
        return .ok([
            "apiVersion": JSON(call.type.apiVersion), "kind": JSON(call.type.listKind),
            "metadata": ["resourceVersion": JSON(String(self.store.revision))],
            "items": .array(removed.map { self.versioned($0.0, call.type) }),
        ])
    }

    /// Deletes an object, or marks it as being deleted when something is to happen first.
    /// - Returns: its last or present state, and whether it is gone
    func remove(
        _ key: ObjectKey, _ type: ResourceType, _ options: DeleteOptions, in transaction: inout Transaction
    ) throws -> (JSON, Bool) {
        guard let old = transaction.object(key) else { throw APIError.notFound(type, key.name) }
        if let uid = options.uid, let present = old.meta("uid"), uid != present {
            throw APIError.conflict(type, key.name, "Precondition failed: UID in precondition: \(uid), UID in object meta: \(present)")
        }
        if let version = options.resourceVersion, let present = old.meta("resourceVersion"), version != present {
            throw APIError.conflict(
                type, key.name,
                "Precondition failed: ResourceVersion in precondition: \(version), ResourceVersion in object meta: \(present)")
        }
        var object = old
        var finalizers = old.metaFinalizers.filter { options.propagation == nil || !["orphan", "foregroundDeletion"].contains($0) }
        if options.propagation == "Foreground" { finalizers.append("foregroundDeletion") }
        if options.propagation == "Orphan" { finalizers.append("orphan") }
        if finalizers != old.metaFinalizers {
            object.setMeta("finalizers", finalizers.isEmpty ? .none : .array(finalizers.map { JSON($0) }))
        }
        let grace = Self.grace(of: object, type, asked: options.gracePeriodSeconds)
        self.emptyOut(key, &object, in: &transaction)
        // A pod with no grace left goes at once, however much it was given before: so the kubelet ends a deletion.
        let shortens = grace < object.at("metadata", "deletionGracePeriodSeconds")?.int ?? .max
        if shortens, object.isBeingDeleted { object.setMeta("deletionGracePeriodSeconds", JSON(grace)) }
        if object.metaFinalizers.isEmpty, grace == 0, Self.isReadyToGo(object, type) {
            transaction.delete(key)
            self.afterRemoval(of: key, in: &transaction)
            return (object, true)
        }
        if !object.isBeingDeleted || shortens {
            object.setMeta("deletionTimestamp", JSON(Timestamp.text(self.now().addingTimeInterval(Double(grace)))))
            if type.qualifiedName != "namespaces" { object.setMeta("deletionGracePeriodSeconds", JSON(grace)) }
            if type.countsGenerations { object.setMeta("generation", JSON(object.generation + 1)) }
        }
        guard object != old else { return (old, false) }
        return (transaction.put(object, at: key), false)
    }

    /// Only pods that a node already runs end gracefully: the kubelet deletes them with no grace left.
    private static func grace(of object: JSON, _ type: ResourceType, asked: Int?) -> Int {
        guard type.qualifiedName == "pods" else { return 0 }
        if object.at("spec", "nodeName")?.string?.isEmpty ?? true { return 0 }
        if ["Succeeded", "Failed"].contains(object.at("status", "phase")?.string ?? "") { return 0 }
        return max(0, asked ?? object.at("spec", "terminationGracePeriodSeconds")?.int ?? 30)
    }

    /// A namespace stays until it is empty, a definition until its objects are gone.
    static func isReadyToGo(_ object: JSON, _ type: ResourceType) -> Bool {
        switch type.qualifiedName {
        case "namespaces": (object.at("spec", "finalizers")?.array ?? []).isEmpty
        case "pods": (object.at("metadata", "deletionGracePeriodSeconds")?.int ?? 0) == 0
        default: true
        }
    }

    /// Deletes what lives in a namespace or under a definition, and says what it still waits for.
    private func emptyOut(_ key: ObjectKey, _ object: inout JSON, in transaction: inout Transaction) {
        let inside: [ObjectKey]
        switch key.resource {
        case "namespaces": inside = transaction.keys(inNamespace: key.name)
        case CustomResourceNames.definitions: inside = transaction.list(key.name).map(\.key)
        default: return
        }
        var options = DeleteOptions.plain
        options.propagation = nil
        for child in inside {
            guard let type = self.registry.find(qualifiedName: child.resource) else { continue }
            _ = try? self.remove(child, type, options, in: &transaction)
        }
        let isEmpty = inside.allSatisfy { transaction.object($0) == nil }
        if key.resource == "namespaces" {
            object.set(["spec", "finalizers"], to: isEmpty ? .none : ["kubernetes"])
            object.set(["status", "phase"], to: "Terminating")
        } else {
            let others = object.metaFinalizers.filter { $0 != CustomResourceNames.cleanup }
            let wanted = isEmpty ? others : others + [CustomResourceNames.cleanup]
            object.setMeta("finalizers", wanted.isEmpty ? .none : .array(wanted.map { JSON($0) }))
        }
    }

    /// The last object of a dying namespace or definition takes it along.
    func afterRemoval(of key: ObjectKey, in transaction: inout Transaction) {
        for parent in [
            ObjectKey(resource: "namespaces", namespace: "", name: key.namespace),
            ObjectKey(resource: CustomResourceNames.definitions, namespace: "", name: key.resource),
        ] {
            guard let object = transaction.object(parent), object.isBeingDeleted,
                let type = self.registry.find(qualifiedName: parent.resource)
            else { continue }
            _ = try? self.remove(parent, type, .plain, in: &transaction)
        }
    }
}

extension DeleteOptions {
    private init() { self.isDryRun = false }
    static let plain = DeleteOptions()
}
