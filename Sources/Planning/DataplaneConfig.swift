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
        if self.isPlain(place.id, in: mesh) {
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
        self.addInbounds(dataplane, place, &config) { inbounds, cluster in
            let routes = self.inboundRoutes(inbounds, of: dataplane, mesh.name, cluster)
            return switch mesh.backend?.mode {
            case .permissive: .permissive(routes: routes, other: .passthrough(cluster: cluster))
            case .strict, nil: .sni(routes: routes)
            }
        }
    }

    /// Several services at one port, as two Services of one pod are, have callers of their own: the server name says which is
    /// called. A name that nobody is known to ask for is for whoever may call all of them.
    private func inboundRoutes(_ inbounds: [Dataplane.Inbound], of dataplane: Dataplane, _ mesh: MeshName, _ cluster: String) -> [Route] {
        func route(_ names: [String], _ inbounds: [Dataplane.Inbound]) -> Route {
            let callers = self.callers(of: inbounds.map { .service($0.tags) }, in: mesh)
            return Route(
                sni: names, action: .terminate(mesh: mesh.text, callers: callers, cluster: cluster), origin: "Dataplane/\(dataplane.name)")
        }
        let rest = route(["*"], inbounds)
        if inbounds.count == 1 { return [rest] }
        return inbounds.map { inbound in
            let subsets = self.exposedSubsets(of: [inbound.tags], in: mesh).filter { $0.tooLong(mesh) == nil }
            return route(subsets.flatMap { $0.serverNames(mesh) }, [inbound])
        } + [rest]
    }

    private func addPlainInbounds(_ dataplane: Dataplane, _ place: ProxyPlace, _ config: inout ProxyConfig) {
        self.addInbounds(dataplane, place, &config) { inbounds, cluster in
            .outbound(service: inbounds[0].service, action: .passthrough(cluster: cluster))
        }
    }

    /// - Parameter kind: of the inbounds at one place, which lead to one workload: that of the first.
    private func addInbounds(
        _ dataplane: Dataplane, _ place: ProxyPlace, _ config: inout ProxyConfig,
        kind: ([Dataplane.Inbound], _ cluster: String) -> Listener.Kind
    ) {
        guard let ownAddress = place.address else { return }
        var places: [String] = []
        var inbounds: [String: [Dataplane.Inbound]] = [:]
        for inbound in dataplane.inbounds {
            let name = inbound.address.map { "inbound:\($0):\(inbound.port)" } ?? "inbound:\(inbound.port)"
            if inbounds[name] == nil { places.append(name) }
            inbounds[name, default: []].append(inbound)
        }
        for name in places {
            guard let here = inbounds[name], let workload = self.workload(of: here[0], at: here[0].address ?? ownAddress) else { continue }
            config.clusters.append(Cluster(name: name, endpoints: [workload]))
            config.listeners.append(
                Listener(name: name, address: here[0].address ?? ownAddress, port: here[0].port, kind: kind(here, name)))
        }
    }

    /// Where an inbound's connections go; nil where the workload itself is at the inbound's place, and no proxy can be.
    ///
    /// In a pod that takes a word, a port or an address of the workload: without one the workload may be listening on all of
    /// the pod's addresses, and the proxy would take its place.
    func workload(of inbound: Dataplane.Inbound, at address: String) -> Endpoint? {
        if self.observed.home == .kubernetes, inbound.servicePort == nil, inbound.serviceAddress == nil { return nil }
        let workload = Endpoint(address: inbound.serviceAddress ?? "127.0.0.1", port: inbound.servicePort ?? inbound.port)
        return workload.address == address && workload.port == inbound.port ? nil : workload
    }
}
