import Identity
package import MeshModel
package import Planning
package import Routing

/// One plan as proxies see it.
package struct PlannedWorld: ProxyWorld {
    private let configs: [ProxyID: ProxyConfig]
    private let authorities: MeshAuthorities
    private let lives: [String: Duration]

    package init(plan: Plan, authorities: MeshAuthorities, meshes: [Mesh]) {
        self.configs = plan.configs
        self.authorities = authorities
        self.lives = Dictionary(
            uniqueKeysWithValues: meshes.compactMap { mesh in mesh.backend.map { (mesh.name.text, $0.certificateLife) } })
    }

    package func config(for proxy: ProxyID) -> ProxyConfig? { self.configs[proxy] }

    package func generation(ofAuthority key: String, in mesh: String) -> Int? {
        (try? MeshName(mesh)).flatMap { self.authorities.generations[$0]?[key] }
    }

    package func grant(for proxy: ProxyID, mesh: String) throws(AccessRefusal) -> CertificateGrant {
        guard let config = self.configs[proxy] else {
            throw AccessRefusal(.unavailable, "the control plane has no configuration for proxy \(proxy.name) yet")
        }
        guard let request = config.identities.first(where: { $0.mesh == mesh }) else {
            throw AccessRefusal(.noIdentity, "proxy \(proxy.name) has no identity in mesh \"\(mesh)\"")
        }
        guard let name = try? MeshName(mesh), let authority = self.authorities.sound[name] else {
            let problem = (try? MeshName(mesh)).flatMap { self.authorities.problems[$0] }
            throw AccessRefusal(.unavailable, problem ?? "the certificate authority of mesh \"\(mesh)\" is not there yet")
        }
        let profile = LeafProfile(uris: request.names, life: self.lives[mesh] ?? LeafProfile.defaultLife)
        return CertificateGrant(profile: profile, authority: authority)
    }
}
