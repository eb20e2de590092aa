import Routing
import Synchronization

/// The balancing state of every cluster, shared by the relay's threads.
final class Balancers: Sendable {
    private struct Entry {
        var endpoints: [Endpoint]
        var balancer: ClusterBalancer
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let clock = ContinuousClock()
    private let start = ContinuousClock().now

    private var now: Duration { self.start.duration(to: self.clock.now) }

    /// Begins an attempt on the best endpoint not yet tried; nil when none is left.
    func begin(_ cluster: Cluster, tried: Tried) -> (place: Int, endpoint: Endpoint)? {
        let now = self.now
        return self.entries.withLock { entries in
            var entry = entries[cluster.name] ?? Entry(endpoints: cluster.endpoints, balancer: ClusterBalancer(cluster.endpoints))
            if entry.endpoints != cluster.endpoints {
                entry.endpoints = cluster.endpoints
                entry.balancer.adopt(cluster.endpoints)
            }
            var generator = SystemRandomNumberGenerator()
            let place = entry.balancer.choose(excluding: tried, now: now, using: &generator)
            if let place { entry.balancer.started(place) }
            entries[cluster.name] = entry
            return place.map { ($0, entry.balancer.places[$0].endpoint) }
        }
    }

    func connected(_ cluster: String, _ place: Int) { self.entries.withLock { $0[cluster]?.balancer.connected(place) } }

    func failed(_ cluster: String, _ place: Int) {
        let now = self.now
        self.entries.withLock { $0[cluster]?.balancer.failed(place, now: now) }
    }

    func ended(_ cluster: String, _ place: Int) { self.entries.withLock { $0[cluster]?.balancer.ended(place) } }

    /// Forgets clusters that are gone. Connections still open on them end silently.
    func keep(only clusters: Set<String>) { self.entries.withLock { $0 = $0.filter { clusters.contains($0.key) } } }
}

extension Endpoint {
    var label: String { self.address.contains(":") ? "[\(self.address)]:\(self.port)" : "\(self.address):\(self.port)" }
}
