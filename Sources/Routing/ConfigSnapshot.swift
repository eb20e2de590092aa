/// One applied configuration, shared by everything that serves under it. A connection keeps the snapshot it was decided
/// by, so that a swap never changes a decision in mid-air.
package final class ConfigSnapshot: Sendable {
    /// Counts applied configurations of this process, from 1.
    package let generation: UInt64
    package let config: ProxyConfig
    private let clusters: [String: Cluster]

    package init(generation: UInt64, config: ProxyConfig) {
        self.generation = generation
        self.config = config
        self.clusters = Dictionary(config.clusters.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    package func cluster(named name: String) -> Cluster? { self.clusters[name] }
}
