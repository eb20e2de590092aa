import MeshModel

/// Over which zones and instances one caller's connections to one service are spread: what MeshLoadBalancingStrategies say, or else
/// the mesh.
struct Spread: Hashable {
    let zones: Zones
    /// Instances of the own zone that the caller prefers; none: all alike.
    let affinityTags: [MeshLoadBalancingStrategy.AffinityTag]
    /// Percent of a priority's endpoints below which its connections go on to the next; nil: when none is left.
    let threshold: Int?
    /// The strategies that said something, by name, the one that decided first.
    let strategies: [String]

    enum Zones: Hashable {
        /// All alike.
        case alike
        /// The own one; the others when nothing of it is left.
        case ownFirst
        /// The own one, then others by the first rule that names them. What none names gets nothing.
        case failover([MeshLoadBalancingStrategy.Failover])
    }

    init(
        _ zones: Zones, affinityTags: [MeshLoadBalancingStrategy.AffinityTag] = [], threshold: Int? = nil, strategies: [String] = []
    ) {
        self.zones = zones
        self.affinityTags = affinityTags
        self.threshold = threshold
        self.strategies = strategies
    }

    /// Where no strategy is about the service.
    init(_ mesh: Mesh) { self.init(mesh.routing.prefersOwnZone ? .ownFirst : .alike) }

    /// - Parameter said: by strategies together.
    init(_ said: MeshLoadBalancingStrategy.LocalityAwareness, by strategies: [String]) {
        if said.isDisabled == true {
            self.init(.alike, strategies: strategies)
        } else if said.localZone == nil, said.crossZone == nil {
            self.init(.ownFirst, strategies: strategies)
        } else {
            self.init(
                .failover(said.crossZone?.failover ?? []), affinityTags: said.localZone?.affinityTags ?? [],
                threshold: said.crossZone.map { $0.threshold ?? MeshLoadBalancingStrategy.CrossZone.defaultThreshold },
                strategies: strategies)
        }
    }

    /// 0 is used first. Nil: never.
    /// - Parameter own: the caller's zone.
    func priority(of zone: String, from own: String) -> Int? {
        switch self.zones {
        case .alike: return 0
        case .ownFirst: return zone == own ? 0 : 1
        case .failover(let rules):
            if zone == own { return 0 }
            return rules.firstIndex { $0.isAbout(callersIn: own) && $0.to.contains(zone) }.map { $0 + 1 }
        }
    }

    var prefersOwnZone: Bool { self.zones != .alike }

    /// The place of the first affinity tag whose value an instance shares with the caller.
    func affinity(of tags: [String: String], with caller: [[String: String]]) -> Int? {
        self.affinityTags.firstIndex { tag in
            guard let value = tags[tag.key] else { return false }
            return caller.contains { $0[tag.key] == value }
        }
    }
}

extension World {
    /// A strategy's word about one service.
    private struct Saying {
        let strategy: String
        let locality: MeshLoadBalancingStrategy.LocalityAwareness
        /// What says more about the caller counts more, then what says more about the service, then what comes first.
        let rank: (caller: Int, service: Int, first: Int)
    }

    /// - Parameter caller: nil for the egress. It serves all callers alike, so it obeys only what is said about the whole mesh.
    func spread(of service: String, from caller: Dataplane?, in mesh: Mesh) -> Spread {
        var sayings: [Saying] = []
        for strategy in self.strategiesByMesh[mesh.name] ?? [] {
            guard let specificity = Self.specificity(of: strategy.target, for: caller) else { continue }
            // They are in the order of their names. Of equal ones in one strategy the last counts, as in Kuma.
            for item in strategy.items.reversed() {
                guard let locality = item.locality, item.to.kind == .mesh || item.to.name == service else { continue }
                let rank = (caller: specificity, service: item.to.kind == .mesh ? 0 : 1, first: -sayings.count)
                sayings.append(Saying(strategy: strategy.name, locality: locality, rank: rank))
            }
        }
        guard !sayings.isEmpty else { return Spread(mesh) }
        sayings.sort { $0.rank > $1.rank }
        var (said, strategies) = (sayings[0].locality, [sayings[0].strategy])
        for saying in sayings.dropFirst() {
            let completed = said.completed(by: saying.locality)
            if completed != said, !strategies.contains(saying.strategy) { strategies.append(saying.strategy) }
            said = completed
        }
        return Spread(said, by: strategies)
    }

    private static func specificity(of target: TargetRef, for caller: Dataplane?) -> Int? {
        if let caller { return self.specificity(of: target, for: caller) }
        return target.kind == .mesh ? 0 : nil
    }
}
