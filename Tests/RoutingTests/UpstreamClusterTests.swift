import Glibc
import Testing

@testable import Routing

@Suite("Endpoint choice")
struct UpstreamClusterTests {
    private func endpoint(_ port: UInt16, weight: Int = 1, priority: Int = 0) -> Endpoint {
        Endpoint(address: "10.0.0.1", port: port, weight: weight, priority: priority)
    }

    private func cluster(_ endpoints: [Endpoint], failures: Int = 1, limit: Int? = nil) -> UpstreamCluster {
        UpstreamCluster(Cluster(name: "c", endpoints: endpoints, maxConnections: limit), policy: .init(failures: failures))
    }

    private var generator = FastGenerator()
    private static let second: Int64 = 1_000_000_000

    @Test("no endpoints, no choice")
    mutating func none() { #expect(self.cluster([]).begin(excluding: Tried(), now: 0, using: &self.generator) == nil) }

    @Test("open connections spread by weight")
    mutating func weights() {
        let cluster = self.cluster([self.endpoint(1, weight: 1), self.endpoint(2, weight: 3)])
        for _ in 0..<400 {
            var attempt = cluster.begin(excluding: Tried(), now: 0, using: &self.generator)!
            cluster.connected(&attempt)
        }
        #expect((98...102).contains(cluster.states[0].activeConnections))
        #expect((298...302).contains(cluster.states[1].activeConnections))
    }

    @Test("short connections, too, spread by weight")
    mutating func weightsWithoutLoad() {
        let cluster = self.cluster([self.endpoint(1, weight: 1), self.endpoint(2, weight: 3)])
        for _ in 0..<4000 {
            var attempt = cluster.begin(excluding: Tried(), now: 0, using: &self.generator)!
            cluster.connected(&attempt)
            cluster.ended(attempt)
        }
        #expect((850...1150).contains(cluster.states[0].connectCount))
    }

    @Test("whatever the weights, priorities and loads, the choice is one of the best priority with the least load per weight")
    mutating func property() {
        for _ in 0..<2000 {
            let places = (0..<Int.random(in: 1...12, using: &self.generator)).map { _ in
                (
                    priority: Int.random(in: 0...2, using: &self.generator), weight: Int.random(in: 1...9, using: &self.generator),
                    active: Int.random(in: 0...20, using: &self.generator)
                )
            }
            var choice = Choice()
            for (index, place) in places.enumerated() {
                choice.consider(index, priority: place.priority, weight: place.weight, active: place.active, using: &self.generator)
            }
            let chosen = places[choice.best!]
            let best = places.map(\.priority).min()!
            #expect(chosen.priority == best)
            #expect(places.filter { $0.priority == best }.allSatisfy { chosen.active * $0.weight <= $0.active * chosen.weight })
        }
    }

    @Test("the best priority is used while it has healthy endpoints")
    mutating func priorities() {
        let cluster = self.cluster([self.endpoint(1, priority: 1), self.endpoint(2, priority: 0)])
        let first = cluster.begin(excluding: Tried(), now: 0, using: &self.generator)!
        #expect(first.place == 1)
        cluster.failed(first, now: 0)
        #expect(cluster.begin(excluding: Tried(), now: Self.second, using: &self.generator)?.place == 0)
        #expect(cluster.begin(excluding: Tried(), now: 6 * Self.second, using: &self.generator)?.place == 1)
    }

    /// 4 of priority 0, 2 of priority 2, 4 of priority 5, mixed up, of which so many are set aside; and who gets how many of 2000.
    private mutating func shares(threshold: Int?, aside: [Int]) -> [Int] {
        var generator = FastGenerator(seed: 7)
        let priorities = [5, 0, 2, 0, 5, 0, 2, 0, 5, 5]
        let endpoints = priorities.enumerated().map { self.endpoint(UInt16($0 + 1), priority: $1) }
        let cluster = UpstreamCluster(
            Cluster(name: "c", endpoints: endpoints, failoverThreshold: threshold), policy: .init(failures: 1, first: .seconds(60)))
        for (priority, count) in zip([0, 2, 5], aside) {
            for place in priorities.indices.filter({ priorities[$0] == priority }).prefix(count) {
                _ = cluster.states[place].begin(now: 0, anyway: true)
                cluster.states[place].failed(now: 0, isProbe: false)
            }
        }
        var counts: [Int: Int] = [:]
        for _ in 0..<2000 {
            var attempt = cluster.begin(excluding: Tried(), now: 1, using: &generator)!
            #expect(aside == [4, 2, 4] || !cluster.states[attempt.place].isEjected(now: 1))
            cluster.connected(&attempt)
            counts[priorities[attempt.place], default: 0] += 1
            cluster.ended(attempt)
        }
        return [0, 2, 5].map { counts[$0] ?? 0 }
    }

    @Test(
        "below the threshold a priority keeps its part, and the next ones get what is left of it",
        arguments: [
            (nil, [3, 0, 0], [100, 0, 0]), (50, [0, 0, 0], [100, 0, 0]), (50, [2, 0, 0], [100, 0, 0]),
            // 1 of 4 is half of what has to be there.
            (50, [3, 0, 0], [50, 50, 0]), (50, [3, 2, 0], [50, 0, 50]), (50, [4, 0, 0], [0, 100, 0]),
            (100, [1, 1, 0], [75, 25, 0]), (100, [3, 1, 0], [25, 50, 25]), (80, [2, 2, 0], [62, 0, 38]),
            // 25 % and 25 % are all there is.
            (100, [3, 2, 3], [50, 0, 50]), (100, [4, 2, 3], [0, 0, 100]),
            // None is available: as without a threshold.
            (50, [4, 2, 4], [100, 0, 0]),
        ] as [(Int?, [Int], [Int])])
    mutating func threshold(threshold: Int?, aside: [Int], percent: [Int]) {
        let shares = self.shares(threshold: threshold, aside: aside)
        for (share, percent) in zip(shares, percent) { #expect(abs(share - percent * 20) <= 70, "\(shares)") }
        for (share, percent) in zip(shares, percent) where percent == 0 { #expect(share == 0) }
    }

    @Test("a retry leaves the priority whose turn it is when it has failed at all of it")
    mutating func retriesBeyond() {
        let cluster = UpstreamCluster(
            Cluster(
                name: "c", endpoints: [self.endpoint(1), self.endpoint(2), self.endpoint(3, priority: 1)], failoverThreshold: 50))
        var tried = Tried()
        var seen: [Int] = []
        while let attempt = cluster.begin(excluding: tried, now: 0, using: &self.generator) {
            seen.append(attempt.place)
            tried.insert(attempt.place)
        }
        #expect(Set(seen) == [0, 1, 2] && seen.last == 2)
    }

    @Test("an endpoint whose time aside is over is probed by the next connection of its priority")
    mutating func probeBelowThreshold() throws {
        let cluster = UpstreamCluster(
            Cluster(name: "c", endpoints: [self.endpoint(1), self.endpoint(2, priority: 1)], failoverThreshold: 100),
            policy: .init(failures: 1))
        cluster.failed(try #require(cluster.begin(excluding: Tried(), now: 0, using: &self.generator)), now: 0)
        #expect(cluster.begin(excluding: Tried(), now: Self.second, using: &self.generator)?.place == 1)
        #expect(
            cluster.begin(excluding: Tried(), now: 5 * Self.second, using: &self.generator) == .init(place: 0, isProbe: true))
        // Until that is known the others go on to the next.
        #expect(cluster.begin(excluding: Tried(), now: 5 * Self.second, using: &self.generator)?.place == 1)
    }

    @Test("a retry goes elsewhere, until nothing is left")
    mutating func retries() {
        let cluster = self.cluster([self.endpoint(1), self.endpoint(2), self.endpoint(3)])
        var tried = Tried()
        var seen: Set<Int> = []
        while let attempt = cluster.begin(excluding: tried, now: 0, using: &self.generator) {
            #expect(seen.insert(attempt.place).inserted)
            tried.insert(attempt.place)
        }
        #expect(seen.count == 3)
    }

    @Test("an endpoint set aside comes back by one probe at a time")
    mutating func probe() throws {
        let cluster = self.cluster([self.endpoint(1), self.endpoint(2, priority: 1)])
        cluster.failed(cluster.begin(excluding: Tried(), now: 0, using: &self.generator)!, now: 0)
        #expect(cluster.states[0].isEjected(now: 4 * Self.second))
        // Its time is over: one finds out, the others stay away.
        let probe = try #require(cluster.begin(excluding: Tried(), now: 5 * Self.second, using: &self.generator))
        #expect(probe == .init(place: 0, isProbe: true))
        for _ in 0..<10 { #expect(cluster.begin(excluding: Tried(), now: 5 * Self.second, using: &self.generator)?.place == 1) }
        // It failed: aside again, for twice the time.
        cluster.failed(probe, now: 6 * Self.second)
        #expect(cluster.begin(excluding: Tried(), now: 15 * Self.second, using: &self.generator)?.place == 1)
        // Given up without an outcome: the next finds out.
        let abandoned = try #require(cluster.begin(excluding: Tried(), now: 16 * Self.second, using: &self.generator))
        #expect(abandoned.isProbe)
        cluster.ended(abandoned)
        var good = try #require(cluster.begin(excluding: Tried(), now: 16 * Self.second, using: &self.generator))
        #expect(good.isProbe)
        cluster.connected(&good)
        #expect(!good.isProbe)
        for _ in 0..<3 { #expect(cluster.begin(excluding: Tried(), now: 17 * Self.second, using: &self.generator)?.place == 0) }
        #expect(!cluster.states[0].isEjected(now: 17 * Self.second))
    }

    @Test("when all are set aside, one is tried all the same")
    mutating func allEjected() {
        let cluster = self.cluster([self.endpoint(1)])
        cluster.failed(cluster.begin(excluding: Tried(), now: 0, using: &self.generator)!, now: 0)
        #expect(cluster.states[0].isEjected(now: Self.second))
        let attempt = cluster.begin(excluding: Tried(), now: Self.second, using: &self.generator)
        #expect(attempt == .init(place: 0, isProbe: false))
    }

    @Test("a limit counts attempts and connections, and ends with them")
    func limit() {
        let cluster = self.cluster([self.endpoint(1)], limit: 2)
        #expect(cluster.enter())
        #expect(cluster.enter())
        #expect(!cluster.enter())
        #expect(cluster.activeConnections == 2)
        cluster.leave()
        #expect(cluster.enter())
    }

    @Test("counts and health go from one configuration to the next, per address and port")
    mutating func adopting() throws {
        var upstreams = Upstreams(policy: .init(failures: 1))
        let one = Cluster(name: "c", endpoints: [self.endpoint(1), self.endpoint(2)])
        let before = try #require(upstreams.adopt([one]).all.first)
        #expect(upstreams.adopt([one]).all.first === before)
        #expect(upstreams.adopt([one]).fresh.isEmpty)
        #expect(before.enter())
        cluster(before, fail: 1)
        let two = Cluster(name: "c", endpoints: [self.endpoint(3), self.endpoint(2, weight: 5)], maxConnections: 1)
        let after = try #require(upstreams.adopt([two]).fresh.first)
        #expect(after.states[1] === before.states[1])
        #expect(after.states[1].isEjected(now: 0))
        #expect(after.states[0].activeConnections == 0)
        #expect(!after.enter())
        // Gone and back, while connections remain: they still count.
        #expect(upstreams.adopt([]).all.isEmpty)
        let back = try #require(upstreams.adopt([one]).all.first)
        #expect(back.activeConnections == 1)
        before.leave()
        #expect(back.activeConnections == 0)
    }

    private mutating func cluster(_ cluster: UpstreamCluster, fail place: Int) {
        var tried = Tried()
        while let attempt = cluster.begin(excluding: tried, now: 0, using: &self.generator) {
            tried.insert(attempt.place)
            if attempt.place == place { cluster.failed(attempt, now: 0) } else { cluster.ended(attempt) }
        }
    }

    @Test("an endpoint listed twice counts once")
    func twice() { #expect(self.cluster([self.endpoint(1), self.endpoint(1)]).endpoints.count == 1) }

    @Test("threads share one spread, and leave nothing counted behind")
    func threads() async {
        let cluster = self.cluster([self.endpoint(1), self.endpoint(2), self.endpoint(3, weight: 2)], failures: 3, limit: 10_000)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var generator = FastGenerator()
                    var open: [UpstreamCluster.Attempt] = []
                    for step in 0..<20_000 {
                        if open.count > 20 || (!open.isEmpty && step % 3 == 0) {
                            let attempt = open.remove(at: Int.random(in: open.indices, using: &generator))
                            if step % 7 == 0 { cluster.failed(attempt, now: Int64(step)) } else { cluster.ended(attempt) }
                            cluster.leave()
                        } else if cluster.enter(), var attempt = cluster.begin(excluding: Tried(), now: Int64(step), using: &generator) {
                            if step % 2 == 0 { cluster.connected(&attempt) }
                            open.append(attempt)
                        }
                    }
                    for attempt in open {
                        cluster.ended(attempt)
                        cluster.leave()
                    }
                }
            }
        }
        #expect(cluster.states.map(\.activeConnections) == [0, 0, 0])
        #expect(cluster.activeConnections == 0)
    }
}
