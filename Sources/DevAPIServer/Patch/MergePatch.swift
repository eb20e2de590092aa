import JSONModel

/// RFC 7386.
enum MergePatch {
    static func apply(_ patch: JSON, to target: JSON) -> JSON {
        guard case .object(let changes) = patch else { return patch }
        var members = target.object ?? [:]
        for (name, change) in changes {
            members[name] = change.isNull ? .none : Self.apply(change, to: members[name] ?? .null)
        }
        return .object(members)
    }
}
