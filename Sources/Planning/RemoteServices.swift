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

    static func < (left: Self, right: Self) -> Bool {
        (left.service, TagSNI(service: "", tags: left.tags).text) < (right.service, TagSNI(service: "", tags: right.tags).text)
    }
}

extension World {
    /// Subsets that dataplanes of this zone ask for.
    func requestedSubsets(in mesh: MeshName) -> Set<Subset> {
        Set(
            self.dataplanes.compactMap { $0.accountable }.filter { $0.mesh == mesh }.flatMap(\.outbounds).compactMap {
                Subset(tags: $0.tags)
            })
    }

    /// Every subset of services of other zones, the whole services first, that the egress has to route.
    func remoteSubsets(in mesh: MeshName) -> [Subset] {
        let offered = self.remoteIngresses.flatMap(\.services).filter { $0.mesh == mesh.text }
        var subsets: Set<Subset> = []
        for service in offered {
            guard let full = Subset(tags: service.tags) else { continue }
            subsets.insert(Subset(service: full.service))
            // Tags that Kuma itself sets are never part of what callers ask for.
            subsets.insert(Subset(service: full.service, tags: full.tags.filter { !$0.key.hasPrefix("kuma.io/") }))
        }
        let requested = self.requestedSubsets(in: mesh).filter { wanted in offered.contains { wanted.covers($0.tags) } }
        return subsets.union(requested).sorted()
    }

    /// Where other zones take traffic for a subset. An ingress counts by its instances.
    func remoteEndpoints(_ subset: Subset, in mesh: MeshName) -> [Endpoint] {
        self.remoteIngresses.compactMap { ingress in
            let instances = ingress.services.filter { $0.mesh == mesh.text && subset.covers($0.tags) }.map(\.instances)
            if instances.isEmpty { return nil }
            return Endpoint(
                address: ingress.advertised.address, port: ingress.advertised.port, weight: instances.reduce(0, +), locality: ingress.zone)
        }
    }
}
