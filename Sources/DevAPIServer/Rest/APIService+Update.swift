import FoundationEssentials
import JSONModel

extension APIService {
    func update(_ call: Call, name: String, subresource: String?) throws -> APIReply {
        let input = try self.decodeBody(call, as: call.type)
        if let given = input.meta("name"), given != name {
            throw APIError.badRequest("the name of the object (\(given)) does not match the name on the URL (\(name))")
        }
        if call.type.isNamespaced, let given = input.meta("namespace"), !given.isEmpty, given != call.namespace {
            throw APIError.badRequest("the namespace of the provided object does not match the namespace sent on the request")
        }
        if call.type.isCustom, input.meta("resourceVersion")?.isEmpty ?? true {
            let error = FieldError.invalid("metadata.resourceVersion", 0, "must be specified for an update")
            throw APIError.invalid(call.type, name, [error], asResource: true)
        }
        let (stored, warnings) = try self.store.transact(isDry: call.request.isDryRun) { transaction in
            let key = call.key(name)
            guard let old = transaction.object(key) else { throw APIError.notFound(call.type, name) }
            return try self.replace(self.versioned(old, call.type), by: input, at: key, call, subresource: subresource, in: &transaction)
        }
        self.didWrite(stored, call)
        return try self.present(stored, call, warnings: warnings)
    }

    /// The one way a stored object changes: checks, normalises, validates, and writes only when something differs.
    /// - Parameter applied: the managedFields already worked out by apply; nil when the change is to be recorded here.
    func replace(
        _ old: JSON, by input: JSON, at key: ObjectKey, _ call: Call, subresource: String?, in transaction: inout Transaction,
        applied: ManagedFields? = nil
    ) throws -> (JSON, [String]) {
        let type = call.type
        if let given = input.meta("resourceVersion"), !given.isEmpty, given != "0", given != old.meta("resourceVersion") {
            throw APIError.outdated(type, key.name)
        }
        if let given = input.meta("uid"), !given.isEmpty, let uid = old.meta("uid"), given != uid {
            throw APIError.conflict(
                type, key.name, "Precondition failed: UID in precondition: \(given), UID in object meta: \(uid)")
        }
        var object = self.scoped(input, old: old, type: type, subresource: subresource)
        for name in [
            "name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation",
            "resourceVersion", "generateName",
        ] { object.setMeta(name, old.at("metadata", name)) }
        let warnings = try self.normalize(&object, old: old, call: call, type: type)
        type.behaviour.prepareUpdate?(&object, old)
        if object.isBeingDeleted, !Set(object.metaFinalizers).isSubset(of: old.metaFinalizers) {
            throw APIError.invalid(
                type, key.name,
                [
                    .forbidden(
                        "metadata.finalizers",
                        "no new finalizers can be added if the object is being deleted, found new finalizers "
                            + "\(JSON.array(object.metaFinalizers.filter { !old.metaFinalizers.contains($0) }.map { JSON($0) }).text)")
                ])
        }
        if type.countsGenerations, Self.specPart(object, type) != Self.specPart(old, type) {
            object.setMeta("generation", JSON(old.generation + 1))
        }
        if type.qualifiedName == CustomResourceNames.definitions, subresource == nil {
            object["status"] = DefinitionRules.status(of: object, old: old, now: self.timestamp)
        }
        try self.validate(object, old: old, type: type)
        if type.qualifiedName == CustomResourceNames.definitions { try self.checkServable(object, type) }
        if let applied {
            applied.write(into: &object)
        } else {
            self.recordUpdate(&object, from: old, call: call, subresource: subresource)
        }
        if object.isBeingDeleted, object.metaFinalizers.isEmpty, Self.isReadyToGo(object, type) {
            transaction.delete(key)
            self.afterRemoval(of: key, in: &transaction)
            return (object, warnings)
        }
        // Nothing but times differs: nothing is written, and watchers hear nothing.
        guard object.withoutBookkeeping != old.withoutBookkeeping else { return (old, warnings) }
        return (self.versioned(transaction.put(type.storage?.toStored(object) ?? object, at: key), type), warnings)
    }

    /// What a request to this endpoint may change: the status endpoint only status, the main one all but status.
    private func scoped(_ input: JSON, old: JSON, type: ResourceType, subresource: String?) -> JSON {
        guard type.hasStatus else { return input }
        if subresource == "status" {
            var object = old
            object["status"] = input["status"]
            return object
        }
        var object = input
        object["status"] = old["status"]
        return object
    }

    /// What counts for `metadata.generation`.
    private static func specPart(_ object: JSON, _ type: ResourceType) -> JSON {
        var part = object
        for name in ["metadata", "apiVersion", "kind"] { part[name] = nil }
        if type.hasStatus { part["status"] = nil }
        return part
    }

    /// Fields that a request to an endpoint cannot own.
    static func reset(_ type: ResourceType, _ subresource: String?) -> [[String]] {
        guard type.hasStatus else { return [] }
        guard subresource == "status" else { return [["status"]] }
        return type.isCustom ? [["spec"], ["metadata"]] : [["spec"], ["metadata", "labels"]]
    }

    func recordUpdate(_ object: inout JSON, from old: JSON?, call: Call, subresource: String?) {
        var managed = ManagedFields(of: old ?? [:])
        // A client may write the books itself: kubectl moves its own fields from update to apply that way, and one empty
        // entry closes them. Through a subresource it may not.
        let given = object.at("metadata", "managedFields")
        if subresource == nil, let entries = given?.array, !entries.isEmpty, given != old?.at("metadata", "managedFields") {
            managed = ManagedFields(of: object)
        }
        let reset = Self.reset(call.type, subresource)
        managed.recordUpdate(
            from: ManagedFields.ownable(old ?? call.type.empty, resetting: reset), to: ManagedFields.ownable(object, resetting: reset),
            by: .init(
                name: call.request.fieldManager, operation: .update, apiVersion: call.type.apiVersion, subresource: subresource ?? ""),
            schema: call.type.schema, now: subresource == "scale" ? nil : self.timestamp)
        managed.write(into: &object)
    }
}
