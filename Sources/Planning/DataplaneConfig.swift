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
                of: dataplane, judged.object, in: mesh, at: place, outbounds: self.outbounds[judged.object.key] ?? [])
        }
    }

    private func config(
        of dataplane: Dataplane, _ object: KubeObject, in mesh: Mesh, at place: ProxyPlace, outbounds: [PlannedOutbound]
    ) -> ProxyConfig {
        var config = ProxyConfig()
        if mesh.backend == nil {
            self.addPlainInbounds(dataplane, place, &config)
        } else {
            // Without an authority nothing of the mesh can be spoken yet.
            guard let ca = self.observed.trust[mesh.name], let names = self.certificateNames(of: dataplane, object) else { return config }
            config.trust = [Trust(mesh: mesh.name.text, ca: ca)]
            config.identities = [
                IdentityRequest(mesh: mesh.name.text, names: names, authority: self.observed.signers[mesh.name])
            ]
            self.addMeshInbounds(dataplane, mesh, place, &config)
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

    /// Mesh TLS ends at an inbound, its caller is checked, and the workload gets plain bytes. A mesh that is permissive lets
    /// everything else through to it as well.
    private func addMeshInbounds(_ dataplane: Dataplane, _ mesh: Mesh, _ place: ProxyPlace, _ config: inout ProxyConfig) {
        let origin = "Dataplane/\(dataplane.name)"
        self.addInbounds(dataplane, place, &config) { inbound, cluster in
            let terminate = Action.terminate(
                mesh: mesh.name.text, callers: self.callers(of: [.service(inbound.tags)], in: mesh.name), cluster: cluster)
            return switch mesh.backend?.mode {
            case .permissive: .permissive(origin: origin, mesh: terminate, other: .passthrough(cluster: cluster))
            case .strict, nil: .sni(routes: [Route(sni: ["*"], action: terminate, origin: origin)])
            }
        }
    }

    private func addPlainInbounds(_ dataplane: Dataplane, _ place: ProxyPlace, _ config: inout ProxyConfig) {
        self.addInbounds(dataplane, place, &config) { inbound, cluster in
            .outbound(service: inbound.service, action: .passthrough(cluster: cluster))
        }
    }

    private func addInbounds(
        _ dataplane: Dataplane, _ place: ProxyPlace, _ config: inout ProxyConfig,
        kind: (Dataplane.Inbound, _ cluster: String) -> Listener.Kind
    ) {
        guard let ownAddress = place.address else { return }
        for inbound in dataplane.inbounds {
            let address = inbound.address ?? ownAddress
            guard let workload = self.workload(of: inbound, at: address) else { continue }
            let name = "inbound:\(inbound.port)"
            config.clusters.append(Cluster(name: name, endpoints: [workload]))
            config.listeners.append(Listener(name: name, address: address, port: inbound.port, kind: kind(inbound, name)))
        }
    }

    /// Where an inbound's connections go; nil where the workload itself is at the inbound's place, and no proxy can be.
    ///
    /// In a pod that takes a word, a port or an address of the workload: without one the workload may be listening on all of
    /// the pod's addresses, and the proxy would take its place.
    private func workload(of inbound: Dataplane.Inbound, at address: String) -> Endpoint? {
        if self.observed.home == .kubernetes, inbound.servicePort == nil, inbound.serviceAddress == nil { return nil }
        let workload = Endpoint(address: inbound.serviceAddress ?? "127.0.0.1", port: inbound.servicePort ?? inbound.port)
        return workload.address == address && workload.port == inbound.port ? nil : workload
    }
}
