import Testing

@testable import Routing

@Suite("Ejection")
struct EjectionTests {
    private let policy = Ejection.Policy(failures: 2, first: .seconds(5), longest: .seconds(15))

    @Test("failures in a row set an endpoint aside, each failed probe for longer, up to the longest")
    func backOff() {
        var health = Ejection()
        health.failed(now: .seconds(0), policy: self.policy)
        #expect(!health.isEjected(now: .seconds(0)))
        health.failed(now: .seconds(0), policy: self.policy)
        #expect(health.until == .seconds(5))
        #expect(health.isEjected(now: .seconds(4)))
        #expect(!health.isEjected(now: .seconds(5)))
        health.failed(now: .seconds(6), isProbe: true, policy: self.policy)
        #expect(health.until == .seconds(16))
        health.failed(now: .seconds(20), isProbe: true, policy: self.policy)
        #expect(health.until == .seconds(35))
        health.failed(now: .seconds(40), isProbe: true, policy: self.policy)
        #expect(health.until == .seconds(55))
    }

    @Test("once it is set aside others' failures change nothing, and any success forgets everything")
    func others() {
        var health = Ejection()
        for _ in 0..<5 { health.failed(now: .seconds(0), policy: self.policy) }
        #expect(health.until == .seconds(5))
        health.failed(now: .seconds(9), policy: self.policy)
        #expect(health.until == .seconds(5))
        health.succeeded()
        #expect(health.isClean)
        health.failed(now: .seconds(1), policy: self.policy)
        #expect(!health.isEjected(now: .seconds(1)))
        #expect(!health.isClean)
    }
}
