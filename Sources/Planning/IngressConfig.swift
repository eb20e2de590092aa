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
            for subset in self.exposedSubsets(of: offers.map(\.tags), in: mesh.name) where subset.tooLong(mesh.name) == nil {
                let offered = offers.filter { subset.covers($0.tags) }
                let name = subset.cluster(mesh.name)
                // An egress serves all that are bound to the zone, however many those are.
                var endpoints: [Endpoint] = []
                for endpoint in offered.flatMap(\.endpoints) where !endpoints.contains(endpoint) { endpoints.append(endpoint) }
                config.clusters.append(Cluster(name: name, endpoints: endpoints))
                let kind = offered.first?.isExternal == true ? ExternalService.kind : "service"
                routes.append(
                    Route(
                        sni: subset.serverNames(mesh.name), action: .passthrough(cluster: name), origin: "\(kind)/\(subset.service)"))
            }
        }
        config.listeners = [Listener(name: "ingress", address: "", port: 0, kind: .sni(routes: routes))]
        return config
    }
}
