import Identity
package import KubeAPI
package import MeshModel
package import Planning
package import Routing

/// One plan as proxies see it.
package struct PlannedWorld: ProxyWorld {
    private let configs: [ProxyID: ProxyConfig]
    private let authorities: MeshAuthorities
    private let lives: [String: Duration]
    private let dataplanes: [ProxyID: KubeObject]

    package init(plan: Plan, authorities: MeshAuthorities, meshes: [Mesh], dataplanes: [ProxyID: KubeObject]) {
        self.configs = plan.configs
        self.authorities = authorities
        self.lives = Dictionary(
            uniqueKeysWithValues: meshes.compactMap { mesh in mesh.backend.map { (mesh.name.text, $0.certificateLife) } })
        self.dataplanes = dataplanes
    }

    package func config(for proxy: ProxyID) -> ProxyConfig? { self.configs[proxy] }

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
        return CertificateGrant(
            spiffeID: request.spiffeID, profile: self.profile(for: proxy, mesh: mesh, spiffeID: request.spiffeID), authority: authority)
    }

    /// The names of the certificate: always the planned SPIFFE id, first.
    private func profile(for proxy: ProxyID, mesh: String, spiffeID: String) -> LeafProfile {
        let life = self.lives[mesh] ?? LeafProfile.defaultLife
        var profile: LeafProfile
        switch proxy.kind {
        case .egress, .ingress: profile = .zoneEgress(mesh: mesh, life: life)
        case .dataplane: profile = .workload(mesh: mesh, tags: self.tags(of: proxy), life: life)
        }
        profile.uris.removeAll { $0 == spiffeID }
        profile.uris.insert(spiffeID, at: 0)
        return profile
    }

    private func tags(of proxy: ProxyID) -> [String: [String]] {
        guard let object = self.dataplanes[proxy], let dataplane = try? Dataplane(name: object.name, mesh: nil, spec: object.spec)
        else { return [:] }
        var tags: [String: Set<String>] = [:]
        for inbound in dataplane.inbounds { for (tag, value) in inbound.tags { tags[tag, default: []].insert(value) } }
        for (tag, value) in dataplane.gatewayTags ?? [:] { tags[tag, default: []].insert(value) }
        return tags.mapValues { $0.sorted() }
    }
}
