/// Chooses endpoints of one cluster: weighted least connections among the healthy ones of the best priority.
///
/// It outlives configurations. An endpoint keeps its place (an index), connection count and health while it stays
/// listed, and its place as long as it has connections; new endpoints take free places.
package struct ClusterBalancer: Sendable {
    package struct Place: Sendable {
        package var endpoint: Endpoint
        /// False once the configuration no longer has it.
        package fileprivate(set) var isListed: Bool
        package fileprivate(set) var active = 0
        package fileprivate(set) var connects: UInt64 = 0
        package fileprivate(set) var failures: UInt64 = 0
        package fileprivate(set) var health = Ejection()

        /// Bounded, so that products with connection counts can't overflow.
        fileprivate var weight: Int { min(max(1, self.endpoint.weight), 1_000_000) }

        fileprivate init(_ endpoint: Endpoint) {
            self.endpoint = endpoint
            self.isListed = true
        }
    }

    package private(set) var places: [Place] = []
    private let policy: Ejection.Policy

    package init(_ endpoints: [Endpoint] = [], policy: Ejection.Policy = Ejection.Policy()) {
        self.policy = policy
        self.adopt(endpoints)
    }

    /// Takes over a new list. Address and port name an endpoint; weight, priority and locality may change.
    package mutating func adopt(_ endpoints: [Endpoint]) {
        for index in self.places.indices { self.places[index].isListed = false }
        var known: [EndpointKey: Int] = [:]
        for (index, place) in self.places.enumerated() where known[EndpointKey(place.endpoint)] == nil || place.active > 0 {
            known[EndpointKey(place.endpoint)] = index
        }
        var fresh: [Endpoint] = []
        for endpoint in endpoints {
            if let index = known[EndpointKey(endpoint)] {
                // Listed twice: the first counts.
                if self.places[index].isListed { continue }
                self.places[index].isListed = true
                self.places[index].endpoint = endpoint
            } else if !fresh.contains(where: { EndpointKey($0) == EndpointKey(endpoint) }) {
                fresh.append(endpoint)
            }
        }
        var free = self.places.indices.filter { !self.places[$0].isListed && self.places[$0].active == 0 }[...]
        for endpoint in fresh {
            if let index = free.popFirst() {
                self.places[index] = Place(endpoint)
            } else {
                self.places.append(Place(endpoint))
            }
        }
    }

    package var hasEndpoints: Bool { self.places.contains { $0.isListed } }

    /// The place to connect to next, or nil when `tried` leaves none.
    ///
    /// Ejected endpoints count as absent unless nothing else is left: an attempt that may fail beats a refusal that is certain.
    package func choose(excluding tried: Tried, now: Duration, using generator: inout some RandomNumberGenerator) -> Int? {
        self.best(excluding: tried, now: now, ejectedToo: false, using: &generator)
            ?? self.best(excluding: tried, now: now, ejectedToo: true, using: &generator)
    }

    private func best(
        excluding tried: Tried, now: Duration, ejectedToo: Bool, using generator: inout some RandomNumberGenerator
    ) -> Int? {
        var best: Int?
        var weights: UInt64 = 0
        for index in self.places.indices where self.places[index].isListed && !tried.contains(index) {
            let place = self.places[index]
            if !ejectedToo && place.health.isEjected(now: now) { continue }
            let weight = UInt64(place.weight)
            switch best.map({ Self.order(place, self.places[$0]) }) ?? .better {
            case .better:
                best = index
                weights = weight
            case .equal:
                // Each of the equals ends up chosen in proportion to its weight.
                weights += weight
                if generator.next(upperBound: weights) < weight { best = index }
            case .worse: break
            }
        }
        return best
    }

    private enum Order { case better, equal, worse }

    /// By priority, then by connections per weight, compared crosswise to stay with integers.
    private static func order(_ one: Place, _ other: Place) -> Order {
        if one.endpoint.priority != other.endpoint.priority {
            return one.endpoint.priority < other.endpoint.priority ? .better : .worse
        }
        let left = one.active * other.weight
        let right = other.active * one.weight
        return left < right ? .better : left == right ? .equal : .worse
    }

    /// An attempt begins: it counts as a connection, so that attempts under way spread as well.
    package mutating func started(_ index: Int) { self.places[index].active += 1 }

    package mutating func connected(_ index: Int) {
        self.places[index].connects += 1
        self.places[index].health.succeeded()
    }

    /// The attempt failed. Ends what `started` began.
    package mutating func failed(_ index: Int, now: Duration) {
        self.places[index].active -= 1
        self.places[index].failures += 1
        self.places[index].health.failed(now: now, policy: self.policy)
    }

    /// The connection ended, or the attempt was given up for a reason that says nothing about the endpoint.
    package mutating func ended(_ index: Int) { self.places[index].active -= 1 }
}

/// The places one connection has failed at: the last few, `capacity` of them.
package struct Tried: Hashable, Sendable {
    package static var capacity: Int { 4 }
    private var places: (UInt32, UInt32, UInt32, UInt32) = (.max, .max, .max, .max)

    package init() {}

    package mutating func insert(_ place: Int) {
        self.places = (UInt32(place), self.places.0, self.places.1, self.places.2)
    }

    package func contains(_ place: Int) -> Bool {
        let place = UInt32(place)
        return place == self.places.0 || place == self.places.1 || place == self.places.2 || place == self.places.3
    }

    package static func == (one: Self, other: Self) -> Bool { one.places == other.places }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.places.0)
        hasher.combine(self.places.1)
        hasher.combine(self.places.2)
        hasher.combine(self.places.3)
    }
}

private struct EndpointKey: Hashable {
    var address: String
    var port: UInt16

    init(_ endpoint: Endpoint) {
        self.address = endpoint.address
        self.port = endpoint.port
    }
}
