import MeshModel
import Routing

extension World {
    /// Where other zones take traffic for a subset and the caller may go: behind the egress that is no more than the egress itself
    /// goes to.
    func reachableEndpoints(_ subset: Subset, by spread: Spread, in mesh: Mesh) -> [Endpoint] {
        let endpoints = self.remoteEndpoints(subset, in: mesh.name, spread)
        guard mesh.usesEgress, !endpoints.isEmpty else { return endpoints }
        let egress = self.spread(of: subset.service, from: nil, in: mesh)
        return endpoints.filter { endpoint in egress.priority(of: endpoint.locality ?? "", from: self.observed.settings.zone) != nil }
    }

    /// Says that strategies leave a service no zone, where that is so.
    /// - Parameter spread: of the caller.
    func forbidden(_ subset: Subset, by spread: Spread, in mesh: Mesh) -> String? {
        let offers = self.offers(subset, in: mesh.name)
        guard !offers.isEmpty, self.reachableEndpoints(subset, by: spread, in: mesh).isEmpty else { return nil }
        let zones = Set(offers.map { self.remoteIngresses[$0.ingress].zone }).sorted().joined(separator: ", ")
        let egress = mesh.usesEgress ? self.spread(of: subset.service, from: nil, in: mesh).strategies : []
        let names = spread.strategies + egress.filter { !spread.strategies.contains($0) }
        let next = self.next(
            kubernetes: "kubectl get meshloadbalancingstrategies -n \(self.observed.systemNamespace)",
            universal: "egretctl get meshloadbalancingstrategies --mesh \(mesh.name)")
        return
            "only other zones offer it (\(zones)), and MeshLoadBalancingStrategy \(names.joined(separator: ", ")) permits none of them. \(next)"
    }

    /// Endpoints of this zone beside those of other zones that lie behind the egress.
    ///
    /// What goes to other zones is what would go there directly, whatever the number of egresses: Kuma gives each egress the
    /// weight 1, so that scaling it moves traffic between zones.
    func sharing(_ local: [Endpoint], behindEgress remote: [Endpoint], _ spread: Spread) -> [Endpoint] {
        if remote.isEmpty { return local }
        var egresses = self.egressEndpoints
        guard !local.isEmpty else { return egresses }
        if spread.prefersOwnZone {
            for index in egresses.indices { egresses[index].priority = 1 }
            return local + egresses
        }
        func share(_ own: [Endpoint], _ endpoints: [Endpoint]) -> (weight: Int, cluster: Cluster) {
            (own.reduce(0) { $0 + $1.weight }, Cluster(name: "", endpoints: endpoints))
        }
        return Self.shortened(Self.joined([share(local, local), share(remote, egresses)], name: "").endpoints)
    }

    /// Instances of this zone, by weight of the affinity tags that they share with the caller: a tag's part of the connections is the
    /// same however many instances have it.
    func preferring(
        _ instances: [LocalInbound], _ spread: Spread, _ caller: Dataplane, endpoint: (LocalInbound) -> Endpoint
    ) -> [Endpoint] {
        if spread.affinityTags.isEmpty { return instances.map(endpoint) }
        let callerTags = caller.tagSets
        let groups = Dictionary(grouping: instances) { spread.affinity(of: $0.tags, with: callerTags) ?? spread.affinityTags.count }
        let parts = groups.sorted { $0.key < $1.key }.map { place, alike in
            (
                weight: place < spread.affinityTags.count ? spread.affinityTags[place].weight : 1,
                cluster: Cluster(name: "", endpoints: alike.map(endpoint))
            )
        }
        return parts.count < 2 ? instances.map(endpoint) : Self.shortened(Self.joined(parts, name: "").endpoints)
    }

    /// The same shares in the smallest numbers.
    private static func shortened(_ endpoints: [Endpoint]) -> [Endpoint] {
        let common = endpoints.reduce(0) { Self.greatestCommonDivisor($0, $1.weight) }
        return endpoints.map { endpoint in
            var endpoint = endpoint
            endpoint.weight /= max(1, common)
            return endpoint
        }
    }
}

extension Cluster {
    /// With the threshold, where there is another priority to go on to.
    func spilling(at threshold: Int?) -> Cluster {
        guard let threshold, Set(self.endpoints.map(\.priority)).count > 1 else { return self }
        var cluster = self
        cluster.failoverThreshold = threshold
        return cluster
    }
}
