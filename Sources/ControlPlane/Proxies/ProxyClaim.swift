package import ConfigSync
package import Planning

/// Which proxy a caller says it is. Nothing is believed until `Admission` has agreed.
package struct ProxyClaim: Hashable, Sendable {
    package var id: ProxyID
    /// Of a dataplane. Empty for zone proxies, which serve every mesh of their zone.
    package var mesh: String

    package init(_ id: ProxyID, mesh: String = "") {
        self.id = id
        self.mesh = mesh
    }

    package init(type: ProxyType, name: String, mesh: String, home: Home) {
        switch type {
        case .egress: self.init(ProxyID(.egress, name))
        case .ingress: self.init(ProxyID(.ingress, name))
        case .dataplane:
            let mesh = mesh.isEmpty ? "default" : mesh
            self.init(ProxyID(.dataplane, home == .universal ? "\(mesh)/\(name)" : name), mesh: mesh)
        }
    }
}
