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
