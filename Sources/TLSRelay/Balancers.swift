import Routing
import Synchronization

/// The balancing state of every cluster, shared by the relay's threads.
final class Balancers: Sendable {
    /// One connection's claim on an endpoint, until `failed` or `ended`.
    struct Claim: Hashable {
        fileprivate var cluster: String
        /// Of the cluster's balancer: a cluster that went and came back is another one.
        fileprivate var generation: UInt64
        fileprivate var place: Int
    }

    private struct Entry {
        var generation: UInt64
        var endpoints: [Endpoint] = []
        var balancer = ClusterBalancer()

        mutating func begin(_ cluster: Cluster, tried: Tried, now: Duration) -> (place: Int, endpoint: Endpoint)? {
            if self.endpoints != cluster.endpoints {
                self.endpoints = cluster.endpoints
                self.balancer.adopt(cluster.endpoints)
            }
            var generator = SystemRandomNumberGenerator()
            guard let place = self.balancer.choose(excluding: tried, now: now, using: &generator) else { return nil }
            self.balancer.started(place)
            return (place, self.balancer.places[place].endpoint)
        }
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var generation: UInt64 = 0
    }

    private let state = Mutex(State())
    private let start = ContinuousClock().now

    private var now: Duration { self.start.duration(to: ContinuousClock().now) }

    /// Begins an attempt on the best endpoint not yet tried; nil when none is left.
    func begin(_ cluster: Cluster, tried: inout Tried) -> (claim: Claim, endpoint: Endpoint)? {
        let now = self.now
        let before = tried
        let begun = self.state.withLock { state -> (claim: Claim, endpoint: Endpoint)? in
            state.generation += 1
            let generation = state.generation
            let begun = state.entries[cluster.name, default: Entry(generation: generation)].begin(cluster, tried: before, now: now)
            guard let begun, let current = state.entries[cluster.name]?.generation else { return nil }
            return (Claim(cluster: cluster.name, generation: current, place: begun.place), begun.endpoint)
        }
        if let begun { tried.insert(begun.claim.place) }
        return begun
    }

    func connected(_ claim: Claim) { self.change(claim) { $0.connected(claim.place) } }

    func failed(_ claim: Claim) {
        let now = self.now
        self.change(claim) { $0.failed(claim.place, now: now) }
    }

    func ended(_ claim: Claim) { self.change(claim) { $0.ended(claim.place) } }

    /// Forgets clusters that are gone. Connections still open on them end without being counted.
    func keep(only clusters: Set<String>) {
        self.state.withLock { state in
            for name in state.entries.keys where !clusters.contains(name) { state.entries[name] = nil }
        }
    }

    private func change(_ claim: Claim, _ body: (inout ClusterBalancer) -> Void) {
        self.state.withLock { state in
            guard state.entries[claim.cluster]?.generation == claim.generation else { return }
            body(&state.entries[claim.cluster]!.balancer)
        }
    }
}

extension Endpoint {
    var label: String { self.address.contains(":") ? "[\(self.address)]:\(self.port)" : "\(self.address):\(self.port)" }
}
