/// One applied configuration, shared by everything that serves under it. A connection keeps the snapshot it was decided
/// by, so that a swap never changes a decision in mid-air.
package final class ConfigSnapshot: Sendable {
    /// Counts applied configurations of this process, from 1.
    package let generation: UInt64
    package let config: ProxyConfig
    private let upstreams: [String: UpstreamCluster]

    package init(generation: UInt64, config: ProxyConfig, upstreams: [UpstreamCluster]) {
        self.generation = generation
        self.config = config
        self.upstreams = Dictionary(upstreams.map { ($0.cluster.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    package func upstream(named name: String) -> UpstreamCluster? { self.upstreams[name] }
}
