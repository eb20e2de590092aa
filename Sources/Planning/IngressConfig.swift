import MeshModel
import Routing

extension World {
    /// One listener for all meshes, as an egress has it. TLS is end to end: every server name that other zones may ask for is
    /// passed through, to a proxy beside a workload or to an egress, and nothing is permitted or forbidden here.
    func makeIngressTable() -> ProxyConfig {
        var config = ProxyConfig()
        var routes: [Route] = []
        for mesh in self.sortedMeshes {
            let offers = self.localOffers[mesh.name] ?? []
            let byService = Dictionary(grouping: offers) { $0.tags[Tag.service] ?? "" }
            // A permissive workload takes what is not mesh TLS as plain bytes, which is meant for its own zone alone.
            let ofMesh: Bool? = mesh.backend?.mode == .permissive ? true : nil
            for subset in self.askableSubsets(of: offers.map(\.tags), in: mesh.name) where subset.tooLong(mesh.name) == nil {
                let offered = (byService[subset.service] ?? []).filter { subset.covers($0.tags) }
                let name = subset.cluster(mesh.name)
                // An egress serves all that are bound to the zone, however many those are.
                var endpoints: [Endpoint] = []
                for endpoint in offered.flatMap(\.endpoints) where !endpoints.contains(endpoint) { endpoints.append(endpoint) }
                config.clusters.append(Cluster(name: name, endpoints: endpoints))
                let kind = offered.first?.isExternal == true ? ExternalService.kind : "service"
                routes.append(
                    Route(
                        sni: subset.serverNames(mesh.name), action: .passthrough(cluster: name), origin: "\(kind)/\(subset.service)",
                        ofMesh: ofMesh))
            }
        }
        config.listeners = [Listener(name: "ingress", address: "", port: 0, kind: .sni(routes: routes))]
        return config
    }

    /// Besides what is known of routes: outbounds of other zones are not known here, and may name any of a service's tags.
    private func askableSubsets(of offered: [[String: String]], in mesh: MeshName) -> [Subset] {
        let exposed = self.exposedSubsets(of: offered, in: mesh)
        // Where routes say where everything goes, they say it to those outbounds, too.
        guard self.tagRoutes[mesh]?.isEmpty != false else { return exposed }
        var subsets = Set(exposed)
        for tags in offered {
            guard let service = tags[Tag.service] else { continue }
            for some in Self.combinations(of: tags.filter { !Tag.isOfPlatform($0.key) }) {
                subsets.insert(Subset(service: service, tags: some))
            }
        }
        return subsets.sorted()
    }

    /// Every choice of at least one of up to four tags; of more, which would be too many server names, the single ones.
    private static func combinations(of tags: [String: String]) -> [[String: String]] {
        if tags.count > 4 { return tags.map { [$0.key: $0.value] } }
        let all = tags.reduce([[:]]) { (chosen: [[String: String]], tag) in
            chosen + chosen.map { $0.merging([tag.key: tag.value]) { _, new in new } }
        }
        return Array(all.dropFirst())
    }
}
