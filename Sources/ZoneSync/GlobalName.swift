import MeshModel

/// Under which names resources are kept on the other side: `<name>-<16 hex digits>`, FNV-1a of mesh, name and zone. The name that
/// people gave stands in the label `kuma.io/display-name`.
package enum GlobalName {
    /// What Kubernetes allows.
    private static let maxBytes = 253

    package static func of(_ name: String, mesh: String, zone: String = "") -> String {
        let hash = FNV1a.hex(FNV1a.hash("\(mesh);\(name);\(zone)"))
        return "\(name.prefix(Self.maxBytes - hash.utf8.count - 1))-\(hash)"
    }
}
