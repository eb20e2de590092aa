import KubeAPI
import MeshModel
import Routing

extension World {
    func planDataplaneConfigs(_ plan: inout Plan) {
        for judged in self.dataplanes {
            guard let dataplane = judged.accountable, let mesh = self.mesh(dataplane.mesh),
                let place = self.place(of: judged)
            else { continue }
            plan.configs[place.id] = self.config(
                of: dataplane, in: mesh, at: place, outbounds: self.outbounds[judged.object.key] ?? [])
        }
    }

    private func config(of dataplane: Dataplane, in mesh: Mesh, at place: ProxyPlace, outbounds: [PlannedOutbound]) -> ProxyConfig {
        var config = ProxyConfig()
        if mesh.backend != nil {
            // Without an authority nothing of the mesh can be spoken yet.
            guard let ca = self.observed.trust[mesh.name], let service = Self.service(of: dataplane) else { return config }
            config.trust = [Trust(mesh: mesh.name.text, ca: ca)]
            config.identities = [
                IdentityRequest(
                    mesh: mesh.name.text, spiffeID: "spiffe://\(mesh.name)/\(service)", authority: self.observed.signers[mesh.name])
            ]
            self.addInbounds(dataplane, mesh, place, &config)
        }
        for planned in outbounds {
            config.listeners.append(
                Listener(
                    name: "outbound:\(planned.outbound.address):\(planned.outbound.port)", address: planned.outbound.address,
                    port: planned.outbound.port, kind: .outbound(service: planned.outbound.service, action: planned.action)))
            // Two ports may lead to one service.
            if !config.clusters.contains(where: { $0.name == planned.cluster.name }) { config.clusters.append(planned.cluster) }
        }
        return config
    }

    /// Mesh TLS ends here and the workload gets plain bytes, where it listens at a place of its own.
    private func addInbounds(_ dataplane: Dataplane, _ mesh: Mesh, _ place: ProxyPlace, _ config: inout ProxyConfig) {
        guard let ownAddress = place.address else { return }
        for inbound in dataplane.inbounds where inbound.servicePort != nil || inbound.serviceAddress != nil {
            let address = inbound.address ?? ownAddress
            let workload = Endpoint(address: inbound.serviceAddress ?? "127.0.0.1", port: inbound.servicePort ?? inbound.port)
            if workload.address == address, workload.port == inbound.port { continue }
            let name = "inbound:\(inbound.port)"
            config.clusters.append(Cluster(name: name, endpoints: [workload]))
            let route = Route(
                sni: ["*"],
                action: .terminate(mesh: mesh.name.text, callers: self.callers(of: [.service(inbound.tags)], in: mesh.name), cluster: name),
                origin: "Dataplane/\(dataplane.name)")
            config.listeners.append(Listener(name: name, address: address, port: inbound.port, kind: .sni(routes: [route])))
        }
    }
}
