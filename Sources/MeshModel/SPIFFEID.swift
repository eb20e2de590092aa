/// `spiffe://<mesh>/<service>`: who a proxy is. The mesh is the trust domain.
package struct SPIFFEID: Hashable, Sendable, CustomStringConvertible {
    package let mesh: MeshName
    package let service: ServiceName

    package init(mesh: MeshName, service: ServiceName) {
        self.mesh = mesh
        self.service = service
    }

    /// What every egress is called in a mesh: `spiffe://<mesh>/zone-egress`.
    package static func egress(of mesh: MeshName) -> SPIFFEID { SPIFFEID(mesh: mesh, service: .zoneEgress) }

    package init(parsing text: String) throws(Violation) {
        let scheme = "spiffe://"
        guard text.hasPrefix(scheme) else {
            throw Violation(field: "", message: "\"\(text)\" is not a SPIFFE id: it has to begin with \(scheme)")
        }
        let parts = text.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw Violation(field: "", message: "\"\(text)\" is not a SPIFFE id of the form spiffe://<mesh>/<service>")
        }
        self.init(mesh: try MeshName(String(parts[0])), service: try ServiceName(String(parts[1])))
    }

    package var text: String { "spiffe://\(self.mesh)/\(self.service)" }
    package var description: String { self.text }
}
