package import JSONModel

/// What may not change while a mesh uses it. The text is Kuma's.
package enum MeshChange {
    static let forbidden = "Changing CA when mTLS is enabled is forbidden. Disable mTLS first and then change the CA"

    /// The authority in use cannot be swapped or dropped under running proxies: each would distrust the other half of the mesh.
    /// It can be rotated, with a time of trust in both.
    package static func violations(from before: JSON, to after: JSON) -> [Violation] {
        guard let inUse = before.at("mtls", "enabledBackend")?.string, !inUse.isEmpty,
            let wanted = after.at("mtls", "enabledBackend")?.string, !wanted.isEmpty
        else { return [] }
        guard wanted == inUse else { return [Violation(field: "mtls.enabledBackend", message: Self.forbidden)] }
        func backend(_ mesh: JSON) -> JSON? {
            (mesh.at("mtls", "backends")?.array ?? []).first { $0["name"]?.string == inUse }
        }
        if let old = backend(before), let new = backend(after), old["type"] != new["type"] {
            return [Violation(field: "mtls.backends[0].type", message: Self.forbidden)]
        }
        return []
    }
}
