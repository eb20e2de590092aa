import Testing

@testable import Routing

@Suite("Endpoint choice")
struct ClusterBalancerTests {
    private func endpoint(_ port: UInt16, weight: Int = 1, priority: Int = 0) -> Endpoint {
        Endpoint(address: "10.0.0.1", port: port, weight: weight, priority: priority)
    }

    private var generator = SplitMix(state: 7)

    @Test("no endpoints, no choice")
    mutating func none() {
        let balancer = ClusterBalancer()
        #expect(balancer.choose(excluding: Tried(), now: .zero, using: &self.generator) == nil)
        #expect(!balancer.hasEndpoints)
    }

    @Test("open connections spread by weight")
    mutating func weights() {
        var balancer = ClusterBalancer([self.endpoint(1, weight: 1), self.endpoint(2, weight: 3)])
        for _ in 0..<400 {
            let place = balancer.choose(excluding: Tried(), now: .zero, using: &self.generator)!
            balancer.started(place)
            balancer.connected(place)
        }
        #expect((98...102).contains(balancer.places[0].active))
        #expect((298...302).contains(balancer.places[1].active))
    }

    @Test("short connections, too, spread by weight")
    mutating func weightsWithoutLoad() {
        var balancer = ClusterBalancer([self.endpoint(1, weight: 1), self.endpoint(2, weight: 3)])
        for _ in 0..<4000 {
            let place = balancer.choose(excluding: Tried(), now: .zero, using: &self.generator)!
            balancer.started(place)
            balancer.connected(place)
            balancer.ended(place)
        }
        #expect((850...1150).contains(balancer.places[0].connects))
    }

    @Test("the best priority is used while it has healthy endpoints")
    mutating func priorities() {
        var balancer = ClusterBalancer([self.endpoint(1, priority: 1), self.endpoint(2, priority: 0)], policy: .init(failures: 1))
        #expect(balancer.choose(excluding: Tried(), now: .zero, using: &self.generator) == 1)
        balancer.started(1)
        balancer.failed(1, now: .zero)
        #expect(balancer.choose(excluding: Tried(), now: .seconds(1), using: &self.generator) == 0)
        #expect(balancer.choose(excluding: Tried(), now: .seconds(6), using: &self.generator) == 1)
    }

    @Test("a retry goes elsewhere, until nothing is left")
    mutating func retries() {
        let balancer = ClusterBalancer([self.endpoint(1), self.endpoint(2), self.endpoint(3)])
        var tried = Tried()
        var seen: Set<Int> = []
        while let place = balancer.choose(excluding: tried, now: .zero, using: &self.generator) {
            #expect(seen.insert(place).inserted)
            tried.insert(place)
        }
        #expect(seen.count == 3)
    }

    @Test("when all are ejected, one is tried all the same")
    mutating func allEjected() {
        var balancer = ClusterBalancer([self.endpoint(1)], policy: .init(failures: 1))
        balancer.started(0)
        balancer.failed(0, now: .zero)
        #expect(balancer.places[0].health.isEjected(now: .seconds(1)))
        #expect(balancer.choose(excluding: Tried(), now: .seconds(1), using: &self.generator) == 0)
    }

    @Test("a new list keeps the places, counts and health of those that stay")
    mutating func adopting() {
        var balancer = ClusterBalancer([self.endpoint(1), self.endpoint(2)])
        balancer.started(0)
        balancer.started(1)
        balancer.connected(1)
        balancer.adopt([self.endpoint(2, weight: 5), self.endpoint(3)])
        #expect(balancer.places.count == 3)
        #expect(!balancer.places[0].isListed)
        #expect(balancer.places[0].active == 1)
        #expect(balancer.places[1].endpoint.weight == 5)
        #expect(balancer.places[1].active == 1)
        #expect(balancer.places[2].endpoint.port == 3)
        for _ in 0..<50 { #expect(balancer.choose(excluding: Tried(), now: .zero, using: &self.generator) != 0) }
        // Its last connection over, the place is free for another.
        balancer.ended(0)
        balancer.adopt([self.endpoint(2), self.endpoint(3), self.endpoint(4)])
        #expect(balancer.places.count == 3)
        #expect(balancer.places[0].endpoint.port == 4)
    }

    @Test("an endpoint listed twice counts once")
    func twice() {
        #expect(ClusterBalancer([self.endpoint(1), self.endpoint(1)]).places.count == 1)
    }

    @Test("random use keeps the counts a simple model keeps")
    mutating func againstModel() {
        var balancer = ClusterBalancer()
        var open: [(place: Int, port: UInt16)] = []
        for step in 0..<5000 {
            switch Int.random(in: 0..<10, using: &self.generator) {
            case 0: balancer.adopt((1...6).filter { _ in Bool.random(using: &self.generator) }.map { self.endpoint($0) })
            case 1..<5 where !open.isEmpty:
                let connection = open.remove(at: Int.random(in: open.indices, using: &self.generator))
                if Bool.random(using: &self.generator) {
                    balancer.ended(connection.place)
                } else {
                    balancer.failed(connection.place, now: .milliseconds(step))
                }
            default:
                guard let place = balancer.choose(excluding: Tried(), now: .milliseconds(step), using: &self.generator) else { continue }
                #expect(balancer.places[place].isListed)
                balancer.started(place)
                open.append((place, balancer.places[place].endpoint.port))
            }
            for place in balancer.places.indices {
                let mine = open.filter { $0.place == place }
                #expect(balancer.places[place].active == mine.count)
                #expect(mine.allSatisfy { $0.port == balancer.places[place].endpoint.port })
            }
        }
    }
}

@Suite("Ejection")
struct EjectionTests {
    private let policy = Ejection.Policy(failures: 2, first: .seconds(5), longest: .seconds(15))

    @Test("failures in a row set an endpoint aside, each time for longer, up to the longest")
    func backOff() {
        var health = Ejection()
        health.failed(now: .seconds(0), policy: self.policy)
        #expect(!health.isEjected(now: .seconds(0)))
        health.failed(now: .seconds(0), policy: self.policy)
        #expect(health.until == .seconds(5))
        #expect(health.isEjected(now: .seconds(4)))
        #expect(!health.isEjected(now: .seconds(5)))
        health.failed(now: .seconds(6), policy: self.policy)
        #expect(health.until == .seconds(16))
        health.failed(now: .seconds(20), policy: self.policy)
        #expect(health.until == .seconds(35))
        health.failed(now: .seconds(40), policy: self.policy)
        #expect(health.until == .seconds(55))
    }

    @Test("failures while ejected change nothing, success forgets everything")
    func others() {
        var health = Ejection()
        for _ in 0..<5 { health.failed(now: .seconds(0), policy: self.policy) }
        #expect(health.until == .seconds(5))
        health.succeeded()
        #expect(health == Ejection())
        health.failed(now: .seconds(1), policy: self.policy)
        #expect(!health.isEjected(now: .seconds(1)))
    }
}
