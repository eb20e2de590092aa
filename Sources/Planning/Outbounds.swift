import KubeAPI
import MeshModel
import Routing

/// One outbound of a dataplane with where it goes.
struct PlannedOutbound {
    let outbound: Dataplane.Outbound
    let action: Action
    let cluster: Cluster
    /// Where routes send it.
    let destinations: [Destination]
    /// What has nowhere to go and why.
    let problems: [String]
}

/// One destination of an outbound, before it is joined with others.
struct Leg {
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
            guard seen.insert([outbound.address, String(outbound.port)]).inserted else { return nil }
            let asked: Destination
            if let external = outbound.external {
                asked = .meshExternal(external)
            } else if let subset = Subset(tags: outbound.tags) {
                asked = .subset(subset)
            } else {
                return nil
            }
            return self.plan(outbound, asked, from: dataplane, mesh)
        }
    }

    private func plan(_ outbound: Dataplane.Outbound, _ asked: Destination, from dataplane: Dataplane, _ mesh: Mesh) -> PlannedOutbound {
        let shares: [RouteShare]
        switch self.routing(of: outbound, from: dataplane) {
        case .asAsked: shares = [RouteShare(weight: 1, destination: asked)]
        case .shares(let given): shares = given
        case .nowhere:
            let next = self.next(kubernetes: "kubectl get trafficroutes", universal: "egretctl get traffic-routes")
            let name = self.name(of: asked, mesh)
            return PlannedOutbound(
                outbound: outbound, action: .passthrough(cluster: name), cluster: Cluster(name: name, endpoints: []), destinations: [],
                problems: ["mesh \(mesh.name) has TrafficRoutes and none of them is about it. \(next)"])
        }
        let legs = shares.map { (share: $0, leg: self.leg(to: $0.destination, from: dataplane, mesh)) }
        let cluster =
            legs.count == 1
            ? legs[0].leg.cluster : Self.joined(legs.map { ($0.share.weight, $0.leg.cluster) }, name: "split:\(self.name(of: asked, mesh))")
        let problems = legs.filter { $0.leg.cluster.endpoints.isEmpty }.map { share, leg in
            legs.count == 1 ? leg.whyEmpty : "\(share.destination.text), whose share the others get: \(leg.whyEmpty)"
        }
        // The application's plaintext goes out as it is, or under the TLS of where it goes.
        let action: Action =
            cluster.speaksTLS ? .originate(mesh: mesh.name.text, cluster: cluster.name) : .passthrough(cluster: cluster.name)
        return PlannedOutbound(
            outbound: outbound, action: action, cluster: cluster, destinations: shares.map(\.destination), problems: problems)
    }

    private func name(of destination: Destination, _ mesh: Mesh) -> String {
        switch destination {
        case .subset(let subset): subset.cluster(mesh.name)
        case .meshExternal(let reference): "\(mesh.name):extsvc/\(reference.name)"
        }
    }

    private func leg(to destination: Destination, from dataplane: Dataplane, _ mesh: Mesh) -> Leg {
        switch destination {
        case .subset(let subset): self.leg(to: subset, from: dataplane, mesh)
        case .meshExternal(let reference): self.leg(to: reference, mesh)
        }
    }

    /// What mesh TLS takes to a service: its server name and who has to answer.
    private func meshLeg(
        _ name: String, _ endpoints: [Endpoint], sni: String, peer: String, _ mesh: Mesh, threshold: Int? = nil, whyEmpty: String
    ) -> Leg {
        let tls = UpstreamTLS.mesh(mesh: mesh.name.text, sni: sni, peer: peer)
        return Leg(cluster: Cluster(name: name, endpoints: endpoints, tls: tls).spilling(at: threshold), whyEmpty: whyEmpty)
    }

    var egressEndpoints: [Endpoint] {
        self.readyEgresses.map { Endpoint(address: $0.address, port: $0.port, locality: self.observed.settings.zone) }
    }

    var nextEgress: String {
        self.next(kubernetes: "kubectl get zoneegress -n \(self.observed.systemNamespace)", universal: "egretctl inspect zoneegresses")
    }

    /// Always through the egress, whatever `routing.zoneEgress` says.
    private func leg(to reference: Dataplane.ExternalReference, _ mesh: Mesh) -> Leg {
        let name = "\(mesh.name):extsvc/\(reference.name)"
        guard mesh.backend != nil else {
            return Leg(
                cluster: Cluster(name: name, endpoints: []),
                whyEmpty: "a MeshExternalService is reached through the egress, which needs mTLS. Next: enable mTLS in Mesh \(mesh.name)")
        }
        guard let item = self.servedMeshExternals[mesh.name]?.item(reference) else {
            let port = reference.port.map { " with port \($0)" } ?? ""
            let next = self.next(
                kubernetes: "kubectl get meshexternalservices -n \(self.observed.systemNamespace)",
                universal: "egretctl get meshexternalservices")
            return Leg(
                cluster: Cluster(name: name, endpoints: []),
                whyEmpty: "no MeshExternalService \(reference.name)\(port) of mesh \(mesh.name) can be used. \(next)")
        }
        return self.meshLeg(
            name, self.egressEndpoints, sni: item.service.sni, peer: SPIFFEID.egress(of: mesh.name).text, mesh,
            whyEmpty: "it is reached through the egress and no egress is ready. \(self.nextEgress)")
    }

    private func leg(to subset: Subset, from dataplane: Dataplane, _ mesh: Mesh) -> Leg {
        let spread = self.spread(of: subset.service, from: dataplane, in: mesh)
        let name = subset.cluster(mesh.name)
        let sni = subset.sni(mesh.name)
        let closed = "the mesh sends it through the egress and no egress is ready. \(self.nextEgress)"
        if let tooLong = subset.tooLong(mesh.name), mesh.backend != nil {
            return Leg(cluster: Cluster(name: name, endpoints: []), whyEmpty: "\(tooLong) Next: shorten the tags.")
        }
        if self.isExternal(subset, in: mesh.name) {
            if mesh.usesEgress {
                let forbidden = self.servesItself(subset, in: mesh.name) ? nil : self.forbidden(subset, by: spread, in: mesh)
                return self.meshLeg(
                    name, forbidden == nil ? self.egressEndpoints : [], sni: sni, peer: SPIFFEID.egress(of: mesh.name).text, mesh,
                    whyEmpty: forbidden ?? closed)
            }
            let served =
                self.servedExternals[mesh.name] ?? ExternalServices(resolvedAddresses: self.observed.settings.resolvedAddresses)
            let next = self.next(kubernetes: "kubectl get externalservices", universal: "egretctl get external-services")
            return Leg(cluster: served.cluster(subset, in: mesh.name), whyEmpty: "no ExternalService for it can be used. \(next)")
        }

        let remote = self.reachableEndpoints(subset, by: spread, in: mesh)
        let local = self.localEndpoints(subset, from: dataplane, weight: max(1, remote.count), spread)
        let unknown = "no Dataplane, ZoneIngress or ExternalService of mesh \(mesh.name) offers it."
        guard mesh.backend != nil else {
            // Other zones are reached by the server name inside of mesh TLS.
            return Leg(
                cluster: Cluster(name: name, endpoints: local),
                whyEmpty: self.offers(subset, in: mesh.name).isEmpty
                    ? unknown : "it is in another zone, which needs mTLS. Next: enable mTLS in Mesh \(mesh.name)")
        }
        let endpoints = mesh.usesEgress ? self.sharing(local, behindEgress: remote, spread) : local + remote
        return self.meshLeg(
            name, self.spoken(endpoints, of: subset.service, in: mesh), sni: sni,
            peer: "spiffe://\(mesh.name)/\(subset.service)", mesh, threshold: spread.threshold,
            whyEmpty: remote.isEmpty ? self.forbidden(subset, by: spread, in: mesh) ?? unknown : closed)
    }

    /// Whether the service is one outside of the mesh, here or in another zone.
    private func isExternal(_ subset: Subset, in mesh: MeshName) -> Bool {
        let offered = self.offers(subset, in: mesh)
        if !offered.isEmpty { return offered.allSatisfy(\.isExternal) }
        return self.externalsByMesh[mesh]?.names.contains(subset.service) == true
    }

    /// Inbounds of ready proxies of this zone, by service.
    func findLocalInbounds() -> [MeshName: [String: [LocalInbound]]] {
        var found: [MeshName: [String: [LocalInbound]]] = [:]
        for judged in self.dataplanes {
            guard let dataplane = judged.accountable, let place = self.place(of: judged), place.isReady, let ownAddress = place.address
            else { continue }
            let mesh = self.mesh(dataplane.mesh)
            for inbound in dataplane.inbounds where inbound.isReady {
                // As Kuma has it, an instance says in which zone it is, whether or not somebody wrote it.
                let tags = inbound.tags.merging([Tag.zone: self.observed.settings.zone]) { _, zone in zone }
                found[dataplane.mesh, default: [:]][inbound.service, default: []].append(
                    LocalInbound(
                        address: inbound.address ?? ownAddress, port: inbound.port, tags: tags,
                        takesPlainText: mesh.map { self.takesPlainText(inbound, at: place, ownAddress, in: $0) } ?? true))
            }
        }
        return found
    }

    private func localEndpoints(_ subset: Subset, from dataplane: Dataplane, weight: Int, _ spread: Spread) -> [Endpoint] {
        let inbounds = (self.localInbounds[dataplane.mesh]?[subset.service] ?? []).filter { subset.covers($0.tags) }
        return self.preferring(inbounds, spread, dataplane) { inbound in
            Endpoint(address: inbound.address, port: inbound.port, weight: weight, locality: self.observed.settings.zone)
        }
    }
}

extension Destination {
    var text: String {
        switch self {
        case .subset(let subset): TagSNI(service: subset.service, tags: subset.tags).text
        case .meshExternal(let reference): "MeshExternalService \(reference.name)"
        }
    }
}

/// Where a service of this zone takes connections.
struct LocalInbound {
    let address: String
    let port: UInt16
    let tags: [String: String]
    /// Mesh TLS is not for it, or not yet.
    let takesPlainText: Bool
}
