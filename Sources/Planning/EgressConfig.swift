import KubeAPI
import MeshModel
import Routing

extension World {
    /// One listener for all meshes: server names carry the mesh. It is there even when it has no routes, so that callers
    /// are refused with a reason.
    func makeEgressTable() -> ProxyConfig {
        var config = ProxyConfig()
        var routes: [Route] = []
        for mesh in self.sortedMeshes where mesh.backend != nil {
            let externals = self.servedMeshExternals[mesh.name]?.items ?? []
            guard mesh.usesEgress || !externals.isEmpty, let ca = self.observed.trust[mesh.name] else { continue }
            config.trust.append(Trust(mesh: mesh.name.text, ca: ca))
            config.identities.append(
                IdentityRequest(
                    mesh: mesh.name.text, names: CertificateNames.ofEgress(in: mesh.name), authority: self.observed.signers[mesh.name]))
            if mesh.usesEgress {
                self.addCrossZone(mesh, &config, &routes)
                self.addExternal(mesh.name, &config, &routes)
            }
            self.addMeshExternal(externals, mesh.name, &config, &routes)
        }
        config.listeners = [Listener(name: "egress", address: "", port: 0, kind: .sni(routes: routes))]
        return config
    }

    private func addCrossZone(_ mesh: Mesh, _ config: inout ProxyConfig, _ routes: inout [Route]) {
        let exposed = self.exposedSubsets(of: self.remoteTags(in: mesh.name), in: mesh.name)
        for subset in exposed where subset.sni(mesh.name).utf8.count <= SNI.maxBytes {
            // An external service that this zone serves itself is not fetched from another.
            if self.servesItself(subset, in: mesh.name) { continue }
            let spread = self.spread(of: subset.service, from: nil, in: mesh)
            let endpoints = self.remoteEndpoints(subset, in: mesh.name, spread)
            let name = subset.cluster(mesh.name)
            config.clusters.append(Cluster(name: name, endpoints: endpoints).spilling(at: spread.threshold))
            let zones = Set(endpoints.compactMap(\.locality)).sorted()
            let origin =
                zones.isEmpty
                ? "\(MeshLoadBalancingStrategy.kind)/\(spread.strategies.joined(separator: ","))" : "zone/\(zones.joined(separator: ","))"
            routes.append(Route(sni: subset.serverNames(mesh.name), action: .passthrough(cluster: name), origin: origin))
        }
    }

    /// Whether the egress of this zone ends what goes to an external service.
    func servesItself(_ subset: Subset, in mesh: MeshName) -> Bool { self.servedExternals[mesh]?.items(subset).isEmpty == false }

    private func addExternal(_ mesh: MeshName, _ config: inout ProxyConfig, _ routes: inout [Route]) {
        let external = self.servedExternals[mesh] ?? ExternalServices(resolvedAddresses: self.observed.settings.resolvedAddresses)
        let exposed = self.exposedSubsets(of: external.items.map(\.service.tags), in: mesh)
        for subset in exposed where subset.sni(mesh).utf8.count <= SNI.maxBytes {
            let cluster = external.cluster(subset, in: mesh)
            config.clusters.append(cluster)
            let items = external.items(subset)
            let callers = self.callers(of: items.map { .service($0.service.tags) }, in: mesh)
            routes.append(
                Route(
                    sni: [subset.sni(mesh)], action: .terminate(mesh: mesh.text, callers: callers, cluster: cluster.name),
                    origin: "ExternalService/\(items.map(\.service.name).joined(separator: ","))"))
        }
    }

    private func addMeshExternal(
        _ items: [MeshExternalServices.Item], _ mesh: MeshName, _ config: inout ProxyConfig, _ routes: inout [Route]
    ) {
        let namespace = self.observed.home == .kubernetes ? self.observed.systemNamespace : nil
        for item in items {
            config.clusters.append(item.cluster)
            let callers = self.callers(of: [.meshExternal(item.service.name)], in: mesh)
            routes.append(
                Route(
                    sni: item.service.serverNames(zone: self.observed.settings.zone, namespace: namespace),
                    action: .terminate(mesh: mesh.text, callers: callers, cluster: item.cluster.name),
                    origin: "MeshExternalService/\(item.service.name)"))
        }
    }
}
