import MeshModel
import Routing

extension World {
    /// One cluster of several, each with its share of the connections: endpoints keep what they speak and weigh as much as
    /// their share and their own weight say. A part without endpoints leaves its share to the others. Of each part those of its
    /// best priority serve at first.
    static func joined(_ parts: [(weight: Int, cluster: Cluster)], name: String) -> Cluster {
        let parts = parts.compactMap { Self.fromFirstPriority($0.weight, $0.cluster) }
        let sums = parts.map { part in part.cluster.endpoints.reduce(0) { $0 + ($1.priority == 0 ? $1.weight : 0) } }
        // What all sums divide: each part then weighs its share times that, however its endpoints share it.
        let common = sums.reduce(1) { Self.leastCommonMultiple($0, $1) }
        var weighted: [(weight: Int, endpoint: Endpoint, tls: UpstreamTLS)] = []
        for (part, sum) in zip(parts, sums) {
            for endpoint in part.cluster.endpoints {
                let factor = Self.product(part.weight, common / sum)
                weighted.append((Self.product(endpoint.weight, factor), endpoint, part.cluster.tls(of: endpoint)))
            }
        }
        let heaviest = weighted.map(\.weight).max() ?? 1
        let places = weighted.map { weight, endpoint, tls -> (endpoint: Endpoint, tls: UpstreamTLS) in
            var endpoint = endpoint
            endpoint.tls = nil
            endpoint.weight = heaviest <= Self.maxWeight ? weight : max(1, Int(Double(weight) / Double(heaviest) * Double(Self.maxWeight)))
            return (endpoint, tls)
        }
        let rules = parts.compactMap(\.cluster.resolvedAddresses).first
        var cluster = Cluster(name: name, places: Self.merged(places), rules: rules ?? AddressRules())
        cluster.resolvedAddresses = rules
        // One that only some parts have says nothing about the endpoints of all.
        let thresholds = Set(parts.map(\.cluster.failoverThreshold))
        return cluster.spilling(at: thresholds.count == 1 ? thresholds.first ?? nil : nil)
    }

    /// Nil without endpoints.
    private static func fromFirstPriority(_ weight: Int, _ cluster: Cluster) -> (weight: Int, cluster: Cluster)? {
        guard let first = cluster.endpoints.map(\.priority).min() else { return nil }
        var cluster = cluster
        for index in cluster.endpoints.indices { cluster.endpoints[index].priority -= first }
        return (weight, cluster)
    }

    private static let maxWeight = 1_000_000

    /// The same place twice is one place of both weights.
    private static func merged(_ places: [(endpoint: Endpoint, tls: UpstreamTLS)]) -> [(endpoint: Endpoint, tls: UpstreamTLS)] {
        var merged: [(endpoint: Endpoint, tls: UpstreamTLS)] = []
        for place in places {
            if let index = merged.firstIndex(where: {
                $0.endpoint.address == place.endpoint.address && $0.endpoint.port == place.endpoint.port && $0.tls == place.tls
                    && $0.endpoint.priority == place.endpoint.priority
            }) {
                merged[index].endpoint.weight += place.endpoint.weight
            } else {
                merged.append(place)
            }
        }
        return merged
    }

    private static func product(_ one: Int, _ other: Int) -> Int {
        let (product, overflow) = one.multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }

    static func greatestCommonDivisor(_ one: Int, _ other: Int) -> Int {
        var (big, small) = (one, other)
        while small != 0 { (big, small) = (small, big % small) }
        return big
    }

    /// Where it does not fit, the greater of both: shares are then less exact, and still in proportion to the weights.
    private static func leastCommonMultiple(_ one: Int, _ other: Int) -> Int {
        let (multiple, overflow) = (one / max(1, Self.greatestCommonDivisor(one, other))).multipliedReportingOverflow(by: other)
        return overflow || multiple > 1 << 40 ? max(one, other) : max(1, multiple)
    }
}
