import JSONModel

/// Who owns which field of an object: the decoded form of `metadata.managedFields`, and the rules of server-side apply.
struct ManagedFields: Equatable, Sendable {
    struct Manager: Hashable, Sendable {
        enum Operation: String, Sendable { case apply = "Apply", update = "Update" }

        var name: String
        var operation: Operation
        var apiVersion: String
        var subresource: String = ""

        /// Sorts as a real server's JSON of the entry does: with a subresource before without.
        fileprivate var identity: String {
            "\(self.name)\u{0}\(self.operation.rawValue)\u{0}\(self.apiVersion)" + (self.subresource.isEmpty ? "}" : ",\(self.subresource)")
        }
    }

    struct Ownership: Equatable, Sendable {
        var fields: FieldSet
        var time: String?
    }

    private(set) var owners: [Manager: Ownership] = [:]

    init(of object: JSON) {
        for entry in object.at("metadata", "managedFields")?.array ?? [] {
            guard let operation = entry["operation"]?.string.flatMap(Manager.Operation.init(rawValue:)) else { continue }
            let manager = Manager(
                name: entry["manager"]?.string ?? "", operation: operation, apiVersion: entry["apiVersion"]?.string ?? "",
                subresource: entry["subresource"]?.string ?? "")
            self.owners[manager] = Ownership(fields: FieldSet(fieldsV1: entry["fieldsV1"] ?? [:]), time: entry["time"]?.string)
        }
    }

    func write(into object: inout JSON) {
        let sorted = self.owners.sorted { left, right in
            let (l, r) = (left.key, right.key)
            return (l.operation.rawValue, left.value.time ?? "", l.name, l.apiVersion, l.subresource)
                < (r.operation.rawValue, right.value.time ?? "", r.name, r.apiVersion, r.subresource)
        }
        let entries = sorted.map { manager, ownership -> JSON in
            var entry: JSON = [
                "manager": JSON(manager.name), "operation": JSON(manager.operation.rawValue), "apiVersion": JSON(manager.apiVersion),
                "fieldsType": "FieldsV1", "fieldsV1": ownership.fields.fieldsV1,
            ]
            entry["time"] = ownership.time.map { JSON($0) }
            if !manager.subresource.isEmpty { entry["subresource"] = JSON(manager.subresource) }
            return entry
        }
        object.set(["metadata", "managedFields"], to: entries.isEmpty ? .none : .array(entries))
    }

    /// What one request may own: metadata the server keeps is nobody's, nor is what the endpoint resets.
    static func ownable(_ object: JSON, resetting reset: [[String]]) -> JSON {
        var value = object
        value["apiVersion"] = nil
        value["kind"] = nil
        for name in [
            "name", "namespace", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "uid", "generation",
            "managedFields", "resourceVersion", "generateName",
        ] where value["metadata"] != nil { value.set(["metadata", name], to: nil) }
        if value["metadata"]?.object?.isEmpty == true { value["metadata"] = nil }
        for path in reset where value.at(path) != nil { value.set(path, to: nil) }
        return value
    }

    /// After a create, update or patch: the manager owns what it changed, everybody loses what changed or went.
    mutating func recordUpdate(from old: JSON, to new: JSON, by manager: Manager, schema: Schema, now: String?) {
        var comparison = TypedValue.compare(old, new, schema: schema)
        guard !comparison.isSame else { return }
        comparison.dropMetadataItself()
        let changed = comparison.added.union(comparison.modified)
        self.withdraw(changed.union(comparison.removed), sparing: manager)
        let before = self.owners[manager]
        var fields = (before?.fields ?? .empty).difference(comparison.removed).union(changed)
        fields.isMember = false
        if fields.isEmpty {
            self.owners[manager] = nil
        } else if before?.fields != fields || !changed.isEmpty {
            self.owners[manager] = Ownership(fields: fields, time: now)
        }
    }

    private mutating func withdraw(_ fields: FieldSet, sparing manager: Manager) {
        for (other, ownership) in self.owners where other != manager {
            let kept = ownership.fields.difference(fields)
            if kept != ownership.fields { self.owners[other] = kept.isEmpty ? nil : Ownership(fields: kept, time: ownership.time) }
        }
    }

    /// Server-side apply.
    /// - Parameters:
    ///   - live: the stored object (or an empty object), with what nobody owns taken out
    ///   - applied: the request's object, likewise
    /// - Returns: the merged object, still without what was taken out
    mutating func apply(_ applied: JSON, to live: JSON, by manager: Manager, force: Bool, schema: Schema, now: String) throws(APIError)
        -> JSON
    {
        let before = self.owners[manager]
        var fields = TypedValue.fields(of: applied, schema: schema)
        fields.dropMetadataItself()
        var merged = TypedValue.merge(live, applied, schema: schema)
        self.owners[manager] = Ownership(fields: fields, time: before?.time)
        if let last = before?.fields, !last.isEmpty { merged = self.prune(merged, last: last, schema: schema) }
        var comparison = TypedValue.compare(live, merged, schema: schema)
        comparison.dropMetadataItself()
        let changed = comparison.added.union(comparison.modified)
        let conflicts = self.owners.filter { $0.key != manager }.mapValues { $0.fields.intersection(changed) }.filter { !$0.value.isEmpty }
        if !conflicts.isEmpty, !force { throw self.conflictError(conflicts) }
        for (other, lost) in conflicts {
            guard let ownership = self.owners[other] else { continue }
            self.owners[other] = Ownership(fields: ownership.fields.difference(lost), time: ownership.time)
        }
        self.withdraw(comparison.removed, sparing: manager)
        if !comparison.isSame || before?.fields != fields { self.owners[manager]?.time = now }
        self.owners = self.owners.filter { !$0.value.fields.isEmpty }
        return merged
    }

    /// Takes away what this manager applied last time, not this time, and nobody else owns.
    private func prune(_ merged: JSON, last: FieldSet, schema: Schema) -> JSON {
        func named(_ set: FieldSet) -> FieldSet { TypedValue.withNamedFields(set, schema: schema) }
        func fields(_ value: JSON) -> FieldSet { named(TypedValue.fields(of: value, schema: schema)) }
        func removing(_ set: FieldSet) -> JSON { TypedValue.remove(set, from: merged, schema: schema) ?? [:] }

        let all = fields(merged)
        var pruned = removing(named(last))
        let owned = self.owners.values.reduce(into: FieldSet.empty) { $0 = $0.union($1.fields) }
        pruned = removing(all.difference(fields(pruned).union(named(owned))))
        pruned = removing(all.difference(fields(pruned)).intersection(named(last)))
        return pruned
    }

    private func conflictError(_ conflicts: [Manager: FieldSet]) -> APIError {
        var causes: [JSON] = []
        var lines: [String] = []
        for manager in conflicts.keys.sorted(by: { $0.identity < $1.identity }) {
            let shown = self.shown(manager)
            lines.append("conflicts with \(shown):")
            for path in (conflicts[manager] ?? .empty).paths {
                let field = path.map(\.shown).joined()
                causes.append(["reason": "FieldManagerConflict", "message": JSON("conflict with \(shown)"), "field": JSON(field)])
                lines.append("- \(field)")
            }
        }
        let message =
            if causes.count == 1 {
                "Apply failed with 1 conflict: \(causes[0]["message"]?.string ?? ""): \(causes[0]["field"]?.string ?? "")"
            } else {
                "Apply failed with \(causes.count) conflicts: \(lines.joined(separator: "\n"))"
            }
        return APIError(code: 409, reason: "Conflict", message: message, details: ["causes": .array(causes)])
    }

    private func shown(_ manager: Manager) -> String {
        var text = "\"\(manager.name)\""
        if !manager.subresource.isEmpty { text += " with subresource \"\(manager.subresource)\"" }
        if manager.operation == .update {
            text += " using \(manager.apiVersion)"
        }
        return text
    }
}

extension FieldSet {
    /// `metadata` is in every object: nobody owns it as such.
    fileprivate mutating func dropMetadataItself() {
        var metadata = self.child(.field("metadata"))
        metadata.isMember = false
        self.setChild(.field("metadata"), metadata)
    }
}

extension TypedValue.Comparison {
    fileprivate mutating func dropMetadataItself() {
        self.added.dropMetadataItself()
        self.removed.dropMetadataItself()
        self.modified.dropMetadataItself()
    }
}
