import JSONModel

/// How far a rollout may leave the wanted number of replicas.
struct RollingUpdate: Hashable, Sendable {
    var maxSurge: Int
    var maxUnavailable: Int

    /// The numbers of a Deployment's strategy. Percentages are of `replicas`; surge rounds up and unavailability down, and
    /// both 0 would never move, so that becomes one unavailable.
    init(_ strategy: JSON?, replicas: Int) {
        let settings = strategy?["rollingUpdate"]
        self.maxSurge = Self.number(settings?["maxSurge"], of: replicas, roundsUp: true)
        self.maxUnavailable = Self.number(settings?["maxUnavailable"], of: replicas, roundsUp: false)
        if self.maxSurge == 0, self.maxUnavailable == 0 { self.maxUnavailable = 1 }
    }

    private static func number(_ value: JSON?, of replicas: Int, roundsUp: Bool) -> Int {
        if let number = value?.int { return max(0, number) }
        let text = value?.string ?? "25%"
        guard text.hasSuffix("%"), let percent = Int(text.dropLast()), percent >= 0 else { return max(0, Int(text) ?? 0) }
        return (replicas * percent + (roundsUp ? 99 : 0)) / 100
    }

    /// One ReplicaSet as the rollout sees it.
    struct Share: Hashable, Sendable {
        var wanted: Int
        var available: Int
    }

    /// New sizes of the new ReplicaSet and the old ones (oldest first). One kind of step at a time: up first, and down
    /// only where the new one has no room to grow; the next look continues.
    func step(new: Share, old: [Share], replicas: Int) -> (new: Int, old: [Int]) {
        let unchanged = old.map(\.wanted)
        let total = new.wanted + unchanged.reduce(0, +)
        if new.wanted > replicas { return (replicas, unchanged) }
        let room = replicas + self.maxSurge - total
        if new.wanted < replicas, room > 0 { return (new.wanted + min(room, replicas - new.wanted), unchanged) }

        // How many may go without ever having fewer than the minimum. New pods that are not available yet are not counted.
        let minimum = replicas - self.maxUnavailable
        var spare = total - minimum - max(0, new.wanted - new.available)
        guard spare > 0 else { return (new.wanted, unchanged) }
        var sizes = unchanged
        // Pods that serve nobody go first: a broken old version never holds up its successor.
        for index in old.indices {
            let cut = min(spare, max(0, sizes[index] - old[index].available))
            sizes[index] -= cut
            spare -= cut
        }
        var dispensable = new.available + old.map(\.available).reduce(0, +) - minimum
        for index in old.indices where dispensable > 0 {
            let cut = min(dispensable, spare, sizes[index])
            sizes[index] -= cut
            dispensable -= cut
            spare -= cut
        }
        return (new.wanted, sizes)
    }
}
