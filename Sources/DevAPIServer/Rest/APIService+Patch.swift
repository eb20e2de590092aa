import FoundationEssentials
import JSONModel
import YAMLDocument

enum PatchForm: String, CaseIterable, Sendable {
    case json = "application/json-patch+json"
    case merge = "application/merge-patch+json"
    case strategic = "application/strategic-merge-patch+json"
    case apply = "application/apply-patch+yaml"
}

extension APIService {
    func patch(_ call: Call, name: String, subresource: String?) throws -> APIReply {
        guard PatchForm(rawValue: call.request.mediaType) != nil else {
            throw APIError(code: 415, reason: "UnsupportedMediaType", message: "415: Unsupported Media Type", details: [:])
        }
        guard let form = PatchForm(rawValue: call.request.mediaType), !(form == .strategic && call.type.isCustom) else {
            let accepted = PatchForm.allCases.filter { !($0 == .strategic && call.type.isCustom) }.map(\.rawValue)
            throw APIError.unsupportedMediaType(call.request.mediaType, accepted: accepted)
        }
        if form == .apply { return try self.apply(call, name: name, subresource: subresource) }
        let patch = try Self.parse(call.request.body, isYAML: false)
        let (stored, warnings) = try self.store.transact(isDry: call.request.isDryRun) { transaction in
            let key = call.key(name)
            guard let stored = transaction.object(key) else { throw APIError.notFound(call.type, name) }
            let old = self.versioned(stored, call.type)
            let patched = try Self.patched(old, with: patch, form: form, schema: call.type.schema)
            if let given = patched.meta("name"), given != name {
                throw APIError.badRequest("the name of the object (\(given)) does not match the name on the URL (\(name))")
            }
            let input = try Self.checkIdentity(patched, as: call.type)
            return try self.replace(old, by: input, at: key, call, subresource: subresource, in: &transaction)
        }
        self.didWrite(stored, call)
        return try self.present(stored, call, warnings: warnings)
    }

    static func patched(_ object: JSON, with patch: JSON, form: PatchForm, schema: Schema?) throws(APIError) -> JSON {
        switch form {
        case .json: try JSONPatch.apply(patch, to: object)
        case .merge: MergePatch.apply(patch, to: object)
        case .strategic, .apply: try StrategicMergePatch.apply(patch, to: object, schema: schema)
        }
    }

    /// Server-side apply: creates or merges, and keeps the books on who owns what.
    private func apply(_ call: Call, name: String, subresource: String?) throws -> APIReply {
        guard call.request.query["fieldManager"]?.isEmpty == false else {
            throw APIError(
                code: 422, reason: "Invalid",
                message: "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
                details: [
                    "group": "meta.k8s.io", "kind": "PatchOptions",
                    "causes": [
                        ["reason": "FieldValueRequired", "message": "Required value: is required for apply patch", "field": "fieldManager"]
                    ],
                ])
        }
        var applied = try Self.checkIdentity(try Self.parse(call.request.body, isYAML: true), as: call.type)
        if let given = applied.meta("name"), given != name {
            throw APIError.badRequest("the name of the object (\(given)) does not match the name on the URL (\(name))")
        }
        if applied.at("metadata", "managedFields") != nil { throw APIError.badRequest("metadata.managedFields must be nil") }
        applied.setMeta("name", JSON(name))
        try self.checkApplied(applied, call)
        let reset = Self.reset(call.type, subresource)
        let owned = ManagedFields.ownable(applied, resetting: reset)
        let manager = ManagedFields.Manager(
            name: call.request.fieldManager, operation: .apply, apiVersion: call.type.apiVersion, subresource: subresource ?? "")
        let force = call.request.flag("force")
        let (result, isNew) = try self.store.transact(isDry: call.request.isDryRun) { transaction in
            let key = call.key(name)
            guard let stored = transaction.object(key) else {
                guard subresource == nil else { throw APIError.notFound(call.type, name) }
                if applied.meta("uid") != nil {
                    throw APIError.conflict(
                        call.type, name,
                        "uid mismatch: the provided object specified uid \(applied.meta("uid") ?? ""), and no existing object was found")
                }
                var managed = ManagedFields(of: [:])
                _ = try managed.apply(owned, to: [:], by: manager, force: force, schema: call.type.schema, now: self.timestamp)
                managed.write(into: &applied)
                return (try self.insert(applied, call, in: &transaction, applying: true), true)
            }
            let old = self.versioned(stored, call.type)
            var managed = ManagedFields(of: old)
            let live = ManagedFields.ownable(old, resetting: reset)
            let merged = try managed.apply(owned, to: live, by: manager, force: force, schema: call.type.schema, now: self.timestamp)
            let input = Self.restored(merged, from: old, applied: applied, reset: reset)
            return (
                try self.replace(old, by: input, at: key, call, subresource: subresource, in: &transaction, applied: managed), false
            )
        }
        self.didWrite(result.0, call)
        return try self.present(result.0, call, code: isNew ? 201 : 200, warnings: result.1)
    }

    /// An applied object must fit its schema before anybody owns its fields.
    private func checkApplied(_ applied: JSON, _ call: Call) throws(APIError) {
        var unknown = applied
        let fields = call.type.schema.prune(&unknown)
        guard let first = fields.first else { return }
        throw APIError.internalError(
            "failed to create typed patch object (\(applied.meta("namespace") ?? "")/\(applied.meta("name") ?? ""); "
                + "\(call.type.group)/\(call.type.version), "
                + "Kind=\(call.type.kind)): .\(first): field not declared in schema")
    }

    /// Puts back what was taken out before merging: the server's metadata and what this endpoint does not change.
    private static func restored(_ merged: JSON, from old: JSON, applied: JSON, reset: [[String]]) -> JSON {
        var object = merged
        object["apiVersion"] = old["apiVersion"]
        object["kind"] = old["kind"]
        for name in [
            "name", "namespace", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation",
            "generateName",
        ] { object.setMeta(name, old.at("metadata", name)) }
        object.setMeta("uid", applied.at("metadata", "uid") ?? old.at("metadata", "uid"))
        object.setMeta("resourceVersion", applied.at("metadata", "resourceVersion"))
        for path in reset {
            guard path != ["metadata"] else {
                let kept = old["metadata"]?.object ?? [:]
                for (name, value) in kept where object.at("metadata", name) == nil && name != "resourceVersion" {
                    object.setMeta(name, value)
                }
                continue
            }
            if let kept = old.at(path) { object.set(path, to: kept) }
        }
        return object
    }
}
