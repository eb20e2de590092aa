import Synchronization

/// One cluster as connections use it: chooses endpoints and keeps the count of connections. Shared by all workers and by both
/// engines. A changed cluster is another object that goes on with the same counts and health.
package final class UpstreamCluster: Sendable {
    package let cluster: Cluster
    /// Without those listed twice; the position is the endpoint's place.
    package let endpoints: [Endpoint]
    package let states: [EndpointState]
    /// Some endpoints speak another TLS than the cluster says.
    package let endpointsDiffer: Bool
    /// What choosing looks at, without references to count. `states` keeps alive what it points to.
    nonisolated(unsafe) private let places: UnsafeMutablePointer<Place>
    /// Where connections spill over to the next priority; nil: priorities are only compared.
    private let levels: PriorityLevels?
    /// Connections to all clusters of this name.
    private let load: ClusterLoad
    private let limit: Int
    /// For host names only.
    private let rules: AddressBlocks?

    private struct Place {
        let state: Unmanaged<EndpointState>
        let literal: IPEndpoint?
        let weight: Int
        let priority: Int
    }

    /// - parameter rules: The cluster's own, compiled: many clusters have the same.
    init(_ cluster: Cluster, _ load: ClusterLoad, rules: AddressBlocks?, policy: Ejection.Policy) {
        var seen: Set<EndpointKey> = []
        self.cluster = cluster
        self.endpoints = cluster.endpoints.filter { seen.insert(EndpointKey($0)).inserted }
        self.endpointsDiffer = self.endpoints.contains { $0.tls != nil }
        self.states = load.states(of: self.endpoints, policy: policy)
        self.load = load
        self.limit = cluster.maxConnections ?? .max
        self.rules = rules
        self.levels = cluster.failoverThreshold.flatMap { [endpoints = self.endpoints] in PriorityLevels(endpoints, threshold: $0) }
        self.places = .allocate(capacity: max(1, self.endpoints.count))
        for (index, endpoint) in self.endpoints.enumerated() {
            (self.places + index).initialize(
                to: Place(
                    state: .passUnretained(self.states[index]),
                    literal: IPEndpoint(address: endpoint.address, port: endpoint.port),
                    // Bounded, so that products with connection counts can't overflow.
                    weight: min(max(1, endpoint.weight), 1_000_000), priority: endpoint.priority))
        }
    }

    /// One that shares nothing with others.
    package convenience init(_ cluster: Cluster, policy: Ejection.Policy = Ejection.Policy()) {
        self.init(cluster, ClusterLoad(), rules: cluster.resolvedAddresses.map { AddressBlocks($0) }, policy: policy)
    }

    deinit {
        self.places.deallocate()
        self.levels?.deallocate()
    }

    // MARK: The limit

    /// Counts one more connection; false where the cluster has as many as it may.
    package func enter() -> Bool {
        let before = self.load.active.add(1, ordering: .relaxed).oldValue
        if before < self.limit { return true }
        self.load.active.subtract(1, ordering: .relaxed)
        return false
    }

    package func leave() { self.load.active.subtract(1, ordering: .relaxed) }

    /// Connections and attempts, those of former configurations included.
    package var activeConnections: Int { self.load.active.load(ordering: .relaxed) }

    // MARK: The endpoints

    /// An attempt on an endpoint. Has to end in `failed` or `ended`.
    package struct Attempt: Hashable, Sendable {
        package let place: Int
        /// It decides whether an endpoint that was set aside comes back. A connected one has decided.
        package fileprivate(set) var isProbe: Bool

        package init(place: Int, isProbe: Bool) {
            self.place = place
            self.isProbe = isProbe
        }
    }

    /// Begins an attempt on the best endpoint, or nil when `tried` leaves none.
    ///
    /// Endpoints set aside count as absent unless nothing else is left: an attempt that may fail beats a refusal that is certain.
    /// - parameter now: Monotonic nanoseconds, one clock for all callers.
    package func begin(excluding tried: Tried, now: Int64, using generator: inout FastGenerator) -> Attempt? {
        if let levels = self.levels, let attempt = self.begin(excluding: tried, now: now, levels, &generator) { return attempt }
        return self.begin(excluding: tried, now: now, anyway: false, &generator)
            ?? self.begin(excluding: tried, now: now, anyway: true, &generator)
    }

    private func begin(excluding tried: Tried, now: Int64, anyway: Bool, _ generator: inout FastGenerator) -> Attempt? {
        while true {
            var choice = Choice()
            for index in 0..<self.endpoints.count where !tried.contains(index) {
                let place = self.places[index]
                let active: Int? = place.state._withUnsafeGuaranteedRef {
                    anyway || $0.isAvailable(now: now) ? $0.activeConnections : nil
                }
                guard let active else { continue }
                choice.consider(index, priority: place.priority, weight: place.weight, active: active, using: &generator)
            }
            guard let best = choice.best else { return nil }
            // Nil: another connection began to probe it meanwhile, and it counts as absent now.
            guard let attempt = self.places[best].state._withUnsafeGuaranteedRef({ $0.begin(now: now, anyway: anyway) }) else { continue }
            return Attempt(place: best, isProbe: attempt == .probe)
        }
    }

    /// On an available endpoint of the priority whose turn it is; nil where that has none left.
    private func begin(excluding tried: Tried, now: Int64, _ levels: PriorityLevels, _ generator: inout FastGenerator) -> Attempt? {
        while true {
            var priority = PriorityChoice(threshold: levels.threshold)
            for level in 0..<levels.count where !priority.isDecided {
                let places = levels.places(of: level)
                var available = 0
                for place in places where self.isAvailable(Int(place), now) { available += 1 }
                priority.consider(level, available: available, of: places.count, using: &generator)
            }
            guard let level = priority.best else { return nil }
            var choice = Choice()
            for place in levels.places(of: level) {
                let index = Int(place)
                guard !tried.contains(index), self.isAvailable(index, now) else { continue }
                let (weight, active) = (self.places[index].weight, self.places[index].state._withUnsafeGuaranteedRef(\.activeConnections))
                choice.consider(index, priority: 0, weight: weight, active: active, using: &generator)
            }
            guard let best = choice.best else { return nil }
            guard let attempt = self.places[best].state._withUnsafeGuaranteedRef({ $0.begin(now: now, anyway: false) }) else { continue }
            return Attempt(place: best, isProbe: attempt == .probe)
        }
    }

    private func isAvailable(_ place: Int, _ now: Int64) -> Bool {
        self.places[place].state._withUnsafeGuaranteedRef { $0.isAvailable(now: now) }
    }

    package func connected(_ attempt: inout Attempt) {
        self.places[attempt.place].state._withUnsafeGuaranteedRef { $0.connected(isProbe: attempt.isProbe) }
        attempt.isProbe = false
    }

    package func failed(_ attempt: Attempt, now: Int64) {
        self.places[attempt.place].state._withUnsafeGuaranteedRef { $0.failed(now: now, isProbe: attempt.isProbe) }
    }

    /// The connection ended, or the attempt was given up for a reason that says nothing about the endpoint.
    package func ended(_ attempt: Attempt) {
        self.places[attempt.place].state._withUnsafeGuaranteedRef { $0.ended(isProbe: attempt.isProbe) }
    }

    /// Whether a host name of this cluster may lead there.
    package func permits(_ address: IPEndpoint) -> Bool { self.rules?.permits(address) ?? true }

    /// Where it is given as an address.
    package func literal(_ place: Int) -> IPEndpoint? { self.places[place].literal }
}

/// What clusters of one name share.
final class ClusterLoad: Sendable {
    private struct Weak {
        weak var state: EndpointState?
    }

    let active = Atomic<Int>(0)
    private let known = Mutex<[EndpointKey: Weak]>([:])

    /// The states that are still in use anywhere, and new ones.
    func states(of endpoints: [Endpoint], policy: Ejection.Policy) -> [EndpointState] {
        self.known.withLock { known in
            let states = endpoints.map { known[EndpointKey($0)]?.state ?? EndpointState(policy) }
            known = known.filter { $0.value.state != nil }
            for (endpoint, state) in zip(endpoints, states) { known[EndpointKey(endpoint)] = Weak(state: state) }
            return states
        }
    }
}

/// Address, port and what is spoken there name an endpoint; weight, priority and locality may change.
private struct EndpointKey: Hashable {
    var address: String
    var port: UInt16
    var tls: UpstreamTLS?

    init(_ endpoint: Endpoint) {
        self.address = endpoint.address
        self.port = endpoint.port
        self.tls = endpoint.tls
    }
}
