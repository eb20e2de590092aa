import FoundationEssentials
import JSONModel
import KubeAPI
import TestKit
import Testing

@Suite("Leader lease")
struct LeaseMachineTests {
    private let date = Date(timeIntervalSince1970: 1_800_000_000)

    private func record(_ holder: String?, transitions: Int = 0, renewed: Double = 0) -> LeaseRecord {
        LeaseRecord(
            holder: holder, durationSeconds: 15, acquireTime: self.date, renewTime: self.date.addingTimeInterval(renewed),
            transitions: transitions)
    }

    @Test("Where there is no lease, one is created, and only the accepted write makes a leader")
    func create() {
        var machine = LeaseMachine(identity: "a")
        let action = machine.observed(nil, now: .zero, date: self.date)
        #expect(action == .create(self.record("a")))
        #expect(!machine.isLeader(now: .zero))
        machine.wrote(self.record("a"), startedAt: .zero, now: .seconds(1))
        #expect(machine.isLeader(now: .seconds(1)))
    }

    @Test("A holder that does not renew within the deadline stops leading before anybody may take over")
    func deadline() {
        var machine = LeaseMachine(identity: "a")
        machine.wrote(self.record("a"), startedAt: .seconds(100), now: .seconds(101))
        #expect(machine.leadsUntil == .seconds(110))
        #expect(machine.isLeader(now: .milliseconds(109_999)))
        #expect(!machine.isLeader(now: .seconds(110)))
    }

    @Test("A candidate waits for its own clock since the record last changed, whatever the record's times say")
    func takeOver() {
        var machine = LeaseMachine(identity: "b")
        // Renewed in the record's far past: another clock, no reason to hurry.
        #expect(machine.observed(self.record("a", renewed: -5000), now: .zero, date: self.date) == .wait(.seconds(2)))
        #expect(machine.observed(self.record("a", renewed: -4998), now: .seconds(14), date: self.date) == .wait(.seconds(2)))
        #expect(machine.observed(self.record("a", renewed: -4998), now: .seconds(28), date: self.date) == .wait(.seconds(1)))
        let action = machine.observed(self.record("a", renewed: -4998), now: .seconds(29), date: self.date)
        #expect(action == .replace(self.record("b", transitions: 1)))
    }

    @Test("The holder renews and keeps the time it acquired the lease")
    func renew() {
        var machine = LeaseMachine(identity: "a")
        machine.wrote(self.record("a", transitions: 3), startedAt: .zero, now: .zero)
        let later = self.date.addingTimeInterval(2)
        let action = machine.observed(self.record("a", transitions: 3), now: .seconds(2), date: later)
        #expect(action == .replace(self.record("a", transitions: 3, renewed: 2)))
    }

    @Test("A holder that sees another's name stops at once")
    func lost() {
        var machine = LeaseMachine(identity: "a")
        machine.wrote(self.record("a"), startedAt: .zero, now: .zero)
        _ = machine.observed(self.record("b", transitions: 1), now: .seconds(1), date: self.date)
        #expect(!machine.isLeader(now: .seconds(1)))
        #expect(machine.holder == "b")
    }

    @Test("A released lease is taken without waiting, and its holder no longer leads")
    func release() throws {
        var machine = LeaseMachine(identity: "a")
        machine.wrote(self.record("a"), startedAt: .zero, now: .zero)
        let record = machine.release(date: self.date)
        let released = try #require(record)
        #expect(!machine.isLeader(now: .zero))
        #expect(released.holder == nil && released.durationSeconds == 1)
        var other = LeaseMachine(identity: "b")
        guard case .replace(let taken) = other.observed(released, now: .zero, date: self.date) else {
            Issue.record("the lease is free")
            return
        }
        #expect(taken.holder == "b" && taken.transitions == 1)
        #expect(other.release(date: self.date) == nil)
    }

    @Test("A record survives the trip through JSON, with microseconds as the API demands")
    func json() {
        let record = self.record("a", transitions: 2, renewed: 0.25)
        #expect(LeaseRecord(record.spec) == record)
        #expect(record.spec["renewTime"] == "2027-01-15T08:00:00.250000Z")
        #expect(LeaseRecord(["holderIdentity": ""]).holder == nil)
    }

    /// Two candidates, one lease with optimistic concurrency, random pauses and lost answers: at no moment do both lead.
    @Test("Two candidates never lead at once", arguments: [1, 2, 3, 4] as [UInt64])
    func neverTwo(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var machines = [LeaseMachine(identity: "a"), LeaseMachine(identity: "b")]
        var stored: (record: LeaseRecord, version: Int)?
        var now = Duration.zero
        var leaders: Set<Int> = []
        for _ in 0..<5000 {
            now += .milliseconds(Int.random(in: 1..<4000, using: &generator))
            let index = Int.random(in: 0..<2, using: &generator)
            let seen = stored
            let action = machines[index].observed(
                seen?.record, now: now, date: self.date.addingTimeInterval(Double(now.components.seconds)))
            let startedAt = now
            now += .milliseconds(Int.random(in: 0..<3000, using: &generator))
            if case .create(let record) = action, stored == nil {
                stored = (record, 1)
                machines[index].wrote(record, startedAt: startedAt, now: now)
            } else if case .replace(let record) = action, let current = stored, current.version == seen?.version {
                stored = (record, current.version + 1)
                // One answer in ten is lost.
                if Int.random(in: 0..<10, using: &generator) > 0 { machines[index].wrote(record, startedAt: startedAt, now: now) }
            }
            let leading = machines.indices.filter { machines[$0].isLeader(now: now) }
            #expect(leading.count <= 1)
            leaders.formUnion(leading)
        }
        #expect(leaders == [0, 1], "both had their turn")
    }
}
