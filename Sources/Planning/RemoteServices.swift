import KubeAPI
import MeshModel
import Routing

/// A service and the tags that narrow it.
struct Subset: Hashable, Comparable {
    let service: String
    let tags: [String: String]

    init(service: String, tags: [String: String] = [:]) {
        self.service = service
        self.tags = tags.filter { $0.key != Tag.service }
    }

    /// From a tag set with `kuma.io/service` in it.
    init?(tags: [String: String]) {
        guard let service = tags[Tag.service], !service.isEmpty else { return nil }
        self.init(service: service, tags: tags)
    }

    func covers(_ tags: [String: String]) -> Bool {
        tags[Tag.service] == self.service && self.tags.allSatisfy { tags[$0.key] == $0.value }
    }

    /// Key of the cluster: `<mesh>:<service>`, with the tags of a subset as in its server name.
    func cluster(_ mesh: MeshName) -> String { "\(mesh):\(TagSNI(service: self.service, tags: self.tags).text)" }

    func sni(_ mesh: MeshName) -> String {
        TagSNI(service: self.service, tags: self.tags.merging(["mesh": mesh.text]) { _, mesh in mesh }).text
    }

    /// Says that no TLS client sends such a name, where that is so.
    func tooLong(_ mesh: MeshName) -> String? {
        let bytes = self.sni(mesh).utf8.count
        if bytes <= SNI.maxBytes { return nil }
        return "the server name made of its tags has \(bytes) bytes, more than the \(SNI.maxBytes) that TLS clients send."
    }

    /// Those by which the egress knows it: a whole service of Kubernetes also by the form of 2.8, which newer clients write.
    func serverNames(_ mesh: MeshName) -> [String] {
        guard self.tags.isEmpty, let claim = ServiceClaim(self.service), let port = claim.port.flatMap(UInt16.init(exactly:)) else {
            return [self.sni(mesh)]
        }
        return [self.sni(mesh), HashSNI(name: "\(claim.name).\(claim.namespace)", mesh: mesh.text, port: port, kind: .service).text]
    }

    static func < (left: Self, right: Self) -> Bool {
        if left.service != right.service { return left.service < right.service }
        return TagSNI(service: "", tags: left.tags).text < TagSNI(service: "", tags: right.tags).text
    }
}

extension World {
    /// Every subset that callers may ask the egress for, of what is offered under these tags; whole services first. Where
    /// the mesh has TrafficRoutes, those are what they lead to; else whole services and what each is offered as.
    func exposedSubsets(of offered: [[String: String]], in mesh: MeshName) -> [Subset] {
        var subsets: Set<Subset> = []
        let routes = self.tagRoutes[mesh] ?? []
        for tags in offered {
            guard let full = Subset(tags: tags) else { continue }
            if routes.isEmpty {
                subsets.insert(Subset(service: full.service))
                // Tags that platforms set are not part of what callers ask for, unless one does.
                subsets.insert(Subset(service: full.service, tags: full.tags.filter { !Tag.isOfPlatform($0.key) }))
            }
            for destination in routes.lazy.flatMap(\.route.allDestinations) where destination.matches(tags) {
                subsets.insert(Subset(service: full.service, tags: destination.tags.filter { $0.value != TagSelector.any }))
            }
        }
        let byService = Dictionary(grouping: offered) { $0[Tag.service] ?? "" }
        for wanted in self.requestedSubsets[mesh] ?? [] where byService[wanted.service]?.contains(where: wanted.covers) == true {
            subsets.insert(wanted)
        }
        return subsets.sorted()
    }

    /// Tags of what other zones offer to a mesh.
    func remoteTags(in mesh: MeshName) -> [[String: String]] { (self.remoteOffers[mesh] ?? [:]).values.flatMap { $0.map(\.tags) } }

    /// What other zones offer, by mesh and service, in the order of the ingresses.
    func findRemoteOffers() -> [MeshName: [String: [RemoteOffer]]] {
        var found: [MeshName: [String: [RemoteOffer]]] = [:]
        for (index, ingress) in self.remoteIngresses.enumerated() {
            for service in ingress.services {
                guard let mesh = try? MeshName(service.mesh), let name = service.tags[Tag.service] else { continue }
                found[mesh, default: [:]][name, default: []].append(
                    RemoteOffer(ingress: index, tags: service.tags, instances: service.instances, isExternal: service.isExternal))
            }
        }
        return found
    }

    func offers(_ subset: Subset, in mesh: MeshName) -> [RemoteOffer] {
        (self.remoteOffers[mesh]?[subset.service] ?? []).filter { subset.covers($0.tags) }
    }

    /// Where other zones take traffic for a subset, of those zones that take part. An ingress counts by its instances.
    func remoteEndpoints(_ subset: Subset, in mesh: MeshName, _ spread: Spread) -> [Endpoint] {
        var endpoints: [(ingress: Int, endpoint: Endpoint)] = []
        for offer in self.offers(subset, in: mesh) {
            if endpoints.last?.ingress == offer.ingress {
                endpoints[endpoints.count - 1].endpoint.weight += offer.instances
            } else {
                let ingress = self.remoteIngresses[offer.ingress]
                guard let priority = spread.priority(of: ingress.zone, from: self.observed.settings.zone) else { continue }
                endpoints.append(
                    (
                        offer.ingress,
                        Endpoint(
                            address: ingress.advertised.address, port: ingress.advertised.port, weight: offer.instances,
                            priority: priority, locality: ingress.zone)
                    ))
            }
        }
        return endpoints.map(\.endpoint)
    }
}

/// A tag set of a service that an ingress of another zone takes traffic for.
struct RemoteOffer {
    /// Position among the remote ingresses.
    let ingress: Int
    let tags: [String: String]
    let instances: Int
    let isExternal: Bool
}
