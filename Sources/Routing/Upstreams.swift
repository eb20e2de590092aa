/// Makes the clusters of each configuration out of those of the one before.
package struct Upstreams: Sendable {
    private struct WeakLoad: Sendable {
        weak var load: ClusterLoad?
    }

    private var current: [String: UpstreamCluster] = [:]
    /// Of clusters that are gone, too, while connections use them: one that comes back goes on counting.
    private var loads: [String: WeakLoad] = [:]
    private let policy: Ejection.Policy

    package init(policy: Ejection.Policy = Ejection.Policy()) { self.policy = policy }

    /// Names are unique. A cluster that is as it was stays the same object; the others are `fresh`.
    package mutating func adopt(_ clusters: [Cluster]) -> (all: [UpstreamCluster], fresh: [UpstreamCluster]) {
        var fresh: [UpstreamCluster] = []
        var compiled: [AddressRules: AddressBlocks] = [:]
        var adopted: [UpstreamCluster] = []
        adopted.reserveCapacity(clusters.count)
        for cluster in clusters {
            if let same = self.current[cluster.name], same.cluster == cluster {
                adopted.append(same)
                continue
            }
            let load = self.loads[cluster.name]?.load ?? ClusterLoad()
            self.loads[cluster.name] = WeakLoad(load: load)
            let rules = cluster.resolvedAddresses.map { rules in
                if let blocks = compiled[rules] { return blocks }
                let blocks = AddressBlocks(rules)
                compiled[rules] = blocks
                return blocks
            }
            let made = UpstreamCluster(cluster, load, rules: rules, policy: self.policy)
            adopted.append(made)
            fresh.append(made)
        }
        self.current = Dictionary(uniqueKeysWithValues: adopted.map { ($0.cluster.name, $0) })
        if self.loads.count > 2 * adopted.count { self.loads = self.loads.filter { $0.value.load != nil } }
        return (adopted, fresh)
    }
}
