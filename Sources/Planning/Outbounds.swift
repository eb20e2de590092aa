import KubeAPI
import MeshModel
import Routing

/// One outbound of a dataplane with where it goes.
struct PlannedOutbound {
    let outbound: Dataplane.Outbound
    let action: Action
    let cluster: Cluster
    /// Says why the cluster has no endpoints, where it has none.
    let whyEmpty: String
}

extension World {
    /// The outbounds of a dataplane, each once. Nothing ever falls back: with the flag on and no egress ready, services
    /// that lie behind it have no endpoints.
    func outbounds(of dataplane: Dataplane, in mesh: Mesh) -> [PlannedOutbound] {
        var seen: Set<[String]> = []
        return dataplane.outbounds.compactMap { outbound in
            guard seen.insert([outbound.address, String(outbound.port)]).inserted, let subset = Subset(tags: outbound.tags) else {
                return nil
            }
            return self.plan(outbound, subset, mesh)
        }
    }

    private func plan(_ outbound: Dataplane.Outbound, _ subset: Subset, _ mesh: Mesh) -> PlannedOutbound {
        let name = subset.cluster(mesh.name)
        func meshTLS(_ peer: SPIFFEID?) -> UpstreamTLS {
            .mesh(mesh: mesh.name.text, sni: subset.sni(mesh.name), peer: peer?.text ?? "spiffe://\(mesh.name)/\(subset.service)")
        }
        func originate(_ endpoints: [Endpoint], peer: SPIFFEID? = nil, whyEmpty: String) -> PlannedOutbound {
            PlannedOutbound(
                outbound: outbound, action: .originate(mesh: mesh.name.text, cluster: name),
                cluster: Cluster(name: name, endpoints: endpoints, tls: meshTLS(peer)), whyEmpty: whyEmpty)
        }
        /// The application's plaintext goes out as it is, or under the TLS of the external service.
        func direct(_ cluster: Cluster, whyEmpty: String) -> PlannedOutbound {
            let action: Action = cluster.tls == .none ? .passthrough(cluster: name) : .originate(mesh: mesh.name.text, cluster: name)
            return PlannedOutbound(outbound: outbound, action: action, cluster: cluster, whyEmpty: whyEmpty)
        }

        let egress = self.readyEgresses.map { Endpoint(address: $0.address, port: $0.port, locality: self.observed.settings.zone) }
        let next = self.next(
            kubernetes: "kubectl get zoneegress -n \(self.observed.systemNamespace)", universal: "egretctl inspect zoneegresses")
        let closed = "the mesh sends it through the egress and no egress is ready. \(next)"

        if self.isExternal(subset, in: mesh.name) {
            if mesh.usesEgress { return originate(egress, peer: .egress(of: mesh.name), whyEmpty: closed) }
            let cluster =
                (self.servedExternals[mesh.name] ?? ExternalServices(resolvedAddresses: self.observed.settings.egress.resolvedAddresses))
                .cluster(subset, in: mesh.name)
            return direct(cluster, whyEmpty: "no ExternalService for it can be used. Next: kubectl get externalservices")
        }

        let remote = self.remoteEndpoints(subset, in: mesh.name)
        var endpoints = self.localEndpoints(subset, in: mesh.name, weight: max(1, remote.count))
        let unknown = "no Dataplane, ZoneIngress or ExternalService of mesh \(mesh.name) offers it."
        guard mesh.backend != nil else {
            // Other zones are reached by the server name inside of mesh TLS.
            return direct(
                Cluster(name: name, endpoints: endpoints),
                whyEmpty: remote.isEmpty ? unknown : "it is in another zone, which needs mTLS. Next: enable mTLS in Mesh \(mesh.name)")
        }
        if !remote.isEmpty { endpoints += mesh.usesEgress ? egress : remote }
        return originate(endpoints, whyEmpty: remote.isEmpty || !mesh.usesEgress ? unknown : closed)
    }

    /// Whether the service is one outside of the mesh, here or in another zone.
    private func isExternal(_ subset: Subset, in mesh: MeshName) -> Bool {
        let offered = self.remoteIngresses.flatMap(\.services).filter { $0.mesh == mesh.text && subset.covers($0.tags) }
        if !offered.isEmpty { return offered.allSatisfy(\.isExternal) }
        return self.externalServices.contains { judged in
            guard let service = judged.accountable, service.mesh == mesh else { return false }
            return service.service.text == subset.service
        }
    }

    /// Inbounds of ready proxies of this zone, by service.
    func findLocalInbounds() -> [MeshName: [String: [LocalInbound]]] {
        var found: [MeshName: [String: [LocalInbound]]] = [:]
        for judged in self.dataplanes {
            guard let dataplane = judged.accountable, let place = self.place(of: judged), place.isReady, let ownAddress = place.address
            else { continue }
            for inbound in dataplane.inbounds where inbound.isReady {
                found[dataplane.mesh, default: [:]][inbound.service, default: []].append(
                    LocalInbound(address: inbound.address ?? ownAddress, port: inbound.port, tags: inbound.tags))
            }
        }
        return found
    }

    private func localEndpoints(_ subset: Subset, in mesh: MeshName, weight: Int) -> [Endpoint] {
        (self.localInbounds[mesh]?[subset.service] ?? []).filter { subset.covers($0.tags) }.map {
            Endpoint(address: $0.address, port: $0.port, weight: weight, locality: self.observed.settings.zone)
        }
    }
}

/// Where a service of this zone takes mesh TLS.
struct LocalInbound {
    let address: String
    let port: UInt16
    let tags: [String: String]
}
