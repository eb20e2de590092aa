package import JSONModel

/// Who may call whom, in the older form: sources and destinations by tags, and what is listed is allowed. A service that a
/// MeshTrafficPermission is about goes by that alone.
package struct TrafficPermission: MeshResource {
    package static let kind = "TrafficPermission"

    package let name: String
    package let mesh: MeshName
    package let sources: [TagSelector]
    package let destinations: [TagSelector]

    package init(name: String, mesh: String?, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec)
        self.name = name
        self.mesh = Self.mesh(mesh, fields)
        self.sources = fields.selectors("sources", .anyTag)
        self.destinations = fields.selectors("destinations", .anyTag)
        try Self.check(name: name, spec: spec, fields)
    }
}
