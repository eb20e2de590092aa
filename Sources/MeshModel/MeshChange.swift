package import JSONModel

/// What may not change while a mesh uses it.
package enum MeshChange {
    /// The authority in use cannot be swapped or dropped under running proxies: each would distrust the other half of the mesh.
    package static func violations(from before: JSON, to after: JSON) -> [Violation] {
        guard let inUse = before.at("mtls", "enabledBackend")?.string, !inUse.isEmpty,
            let wanted = after.at("mtls", "enabledBackend")?.string, !wanted.isEmpty
        else { return [] }
        let mend = "disable mTLS first (leave mtls.enabledBackend out), then enable the other"
        guard wanted == inUse else {
            return [Violation(field: "mtls.enabledBackend", message: "changing CA when mTLS is enabled is forbidden; \(mend)")]
        }
        func backend(_ mesh: JSON) -> JSON? {
            (mesh.at("mtls", "backends")?.array ?? []).first { $0["name"]?.string == inUse }
        }
        if let old = backend(before), let new = backend(after), old["type"] != new["type"] {
            return [Violation(field: "mtls.backends[0].type", message: "changing the type of a CA in use is forbidden; \(mend)")]
        }
        return []
    }
}
