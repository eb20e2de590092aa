import ConfigSync
import JSONModel
import Testing

@Suite struct SessionMachineTests {
    private var generator = SystemRandomNumberGenerator()
    private let one = Snapshot(hash: "1", config: [:])
    private let two = Snapshot(hash: "2", config: [:])

    private mutating func run(_ machine: inout SessionMachine, _ inputs: SessionMachine.Input...) -> [SessionMachine.Action] {
        inputs.map { machine.next($0, using: &self.generator) }
    }

    private func wait(_ action: SessionMachine.Action) -> (Duration, SessionMachine.Setback)? {
        if case .wait(let duration, let setback) = action { (duration, setback) } else { nil }
    }

    @Test("snapshots are applied as they come, the same one once, pings never")
    mutating func streaming() {
        var machine = SessionMachine()
        #expect(machine.start == .connect(have: nil))
        let actions = self.run(
            &machine, .opened, .received(.snapshot(self.one)), .received(.ping), .received(.snapshot(self.one)),
            .received(.snapshot(self.two)))
        #expect(actions == [.listen, .apply(self.one), .listen, .listen, .apply(self.two)])
        #expect(machine.isStreaming)
    }

    @Test("after a cut the stream resumes with the hash that is served")
    mutating func resume() throws {
        var machine = SessionMachine()
        let actions = self.run(&machine, .opened, .received(.snapshot(self.one)), .failed("cut"), .waited)
        let (_, setback) = try #require(self.wait(actions[2]))
        #expect(setback == .init(kind: .unreachable, sentence: "cut"))
        #expect(actions[3] == .connect(have: "1"))
    }

    @Test("waits grow from one second to thirty, with jitter, and start over once the control plane was heard")
    mutating func backOff() throws {
        var machine = SessionMachine()
        for ceiling in [1, 2, 4, 8, 16, 30, 30, 30] {
            let (duration, _) = try #require(self.wait(self.run(&machine, .failed("no route"), .waited)[0]))
            #expect(duration >= .seconds(ceiling) / 2 && duration <= .seconds(ceiling))
        }
        // Merely being accepted ends no series: a control plane that accepts and falls over is left in peace, too.
        #expect(try #require(self.wait(self.run(&machine, .opened, .ended, .waited)[1])).0 >= .seconds(15))
        #expect(try #require(self.wait(self.run(&machine, .opened, .received(.ping), .silent)[2])).0 <= .seconds(1))
    }

    @Test("silence and refusals are told in a sentence")
    mutating func sentences() throws {
        var machine = SessionMachine()
        let silent = self.run(&machine, .opened, .silent, .waited)[1]
        #expect(try #require(self.wait(silent)).1.sentence == "the control plane said nothing for 30 s")
        let refused = self.run(&machine, .refused(status: 401, detail: "The token has expired."))[0]
        #expect(
            try #require(self.wait(refused)).1
                == .init(
                    kind: .refused(status: 401), sentence: "the control plane does not accept this proxy's token: The token has expired."))
        #expect(!machine.isStreaming)
    }

    @Test("a new token ends the wait")
    mutating func credentials() {
        var machine = SessionMachine(have: "7")
        #expect(self.run(&machine, .refused(status: 401, detail: ""), .credentialsChanged)[1] == .connect(have: "7"))
    }
}

@Suite struct SubscriptionTests {
    @Test("only the latest snapshot is sent, and none the proxy has")
    func latest() {
        var subscription = Subscription(have: "1")
        #expect(subscription.next() == .wait)
        subscription.planned(Snapshot(hash: "1", config: [:]))
        #expect(subscription.next() == .wait)
        subscription.planned(Snapshot(hash: "2", config: [:]))
        subscription.planned(Snapshot(hash: "3", config: [:]))
        #expect(subscription.next() == .send(.snapshot(Snapshot(hash: "3", config: [:]))))
        #expect(subscription.next() == .wait)
        subscription.planned(Snapshot(hash: "3", config: [:]))
        #expect(subscription.next() == .wait)
        subscription.planned(Snapshot(hash: "1", config: [:]))
        #expect(subscription.next() == .send(.snapshot(Snapshot(hash: "1", config: [:]))))
    }
}
