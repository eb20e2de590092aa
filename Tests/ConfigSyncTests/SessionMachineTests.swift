import ConfigSync
import Routing
import Testing

@Suite struct SessionMachineTests {
    private var generator = SystemRandomNumberGenerator()
    private let one = ConfigUpdate(text: Self.text("1"))
    private let two = ConfigUpdate(text: Self.text("2"))

    private static func text(_ name: String) -> ConfigText {
        var encoder = ConfigEncoder()
        return encoder.encode(ProxyConfig(trust: [Trust(mesh: "default", ca: name)])).text
    }

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
            &machine, .opened, .received(.config(self.one)), .received(.ping), .received(.config(self.one)),
            .received(.config(self.two)))
        #expect(actions == [.listen, .apply(self.one), .listen, .listen, .apply(self.two)])
        #expect(machine.isStreaming)
    }

    @Test("after a cut the stream resumes with the hash that is served")
    mutating func resume() throws {
        var machine = SessionMachine()
        let actions = self.run(&machine, .opened, .received(.config(self.one)), .failed("cut"), .waited)
        let (_, setback) = try #require(self.wait(actions[2]))
        #expect(setback == .init(kind: .unreachable, sentence: "cut"))
        #expect(actions[3] == .connect(have: self.one.text.hash))
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
        #expect(try #require(self.wait(silent)).1.sentence == "the control plane said nothing for 20 s")
        let refused = self.run(&machine, .refused(status: 401, detail: "The token has expired."))[0]
        #expect(
            try #require(self.wait(refused)).1
                == .init(
                    kind: .refused(status: 401), sentence: "the control plane does not accept this proxy's token: The token has expired."))
        #expect(!machine.isStreaming)
    }

    @Test("after nonsense the whole configuration is asked for, with growing waits, and even the same one counts as news")
    mutating func nonsense() throws {
        var machine = SessionMachine()
        let actions = self.run(
            &machine, .opened, .received(.config(self.one)), .nonsense("the control plane sent a difference"), .waited, .opened,
            .received(.config(self.one)))
        let (_, setback) = try #require(self.wait(actions[2]))
        #expect(setback.sentence == "the control plane sent a difference; asking for the whole configuration")
        #expect(actions[3] == .connect(have: nil))
        #expect(actions[5] == .apply(self.one))
        var last = Duration.zero
        for _ in 0..<5 { last = try #require(self.wait(self.run(&machine, .nonsense("x"), .waited, .opened)[0])).0 }
        #expect(last >= .seconds(8))
    }

    @Test("a new token ends the wait")
    mutating func credentials() {
        var machine = SessionMachine(have: "7")
        #expect(self.run(&machine, .refused(status: 401, detail: ""), .credentialsChanged)[1] == .connect(have: "7"))
    }
}

@Suite struct SubscriptionTests {
    private func text(_ name: String, trust: Int = 30) -> ConfigText {
        var encoder = ConfigEncoder()
        let many = (0..<trust).map { Trust(mesh: "m\($0)", ca: "PEM") }
        return encoder.encode(ProxyConfig(trust: many + [Trust(mesh: "default", ca: name)])).text
    }

    @Test("only the latest configuration is sent, and none the proxy has")
    func latest() {
        let server = Server(Subscription(have: self.text("1").hash))
        #expect(server.next() == nil)
        #expect(!server.planned(self.text("1")))
        #expect(server.next() == nil)
        #expect(server.planned(self.text("2")))
        #expect(server.planned(self.text("3")))
        #expect(server.next() == OutgoingConfig(ConfigDifference(from: self.text("1"), to: self.text("3"))))
        #expect(server.next() == nil)
        #expect(!server.planned(self.text("3")))
        #expect(server.next() == nil)
        #expect(server.planned(self.text("1")))
        #expect(server.next()?.hash == self.text("1").hash)
    }

    @Test("a proxy goes on with a difference from any text we still have, and gets the whole where we have none")
    func resume() {
        let known = Server(Subscription(have: self.text("2").hash, known: [self.text("1"), self.text("2")]))
        #expect(known.planned(self.text("3")))
        #expect(known.next() == OutgoingConfig(ConfigDifference(from: self.text("2"), to: self.text("3"))))
        let stranger = Server(Subscription(have: "somebody else's", known: [self.text("1")]))
        #expect(stranger.planned(self.text("3")))
        #expect(stranger.next() == OutgoingConfig(whole: self.text("3")))
        let empty = Server(Subscription())
        #expect(empty.planned(self.text("3")))
        #expect(empty.next() == OutgoingConfig(whole: self.text("3")))
    }

    /// By reference, so that expectations may change it.
    private final class Server {
        private var subscription: Subscription
        private var cache = DifferenceCache()

        init(_ subscription: Subscription) { self.subscription = subscription }

        func planned(_ text: ConfigText) -> Bool { self.subscription.planned(text) }
        func next() -> OutgoingConfig? { self.subscription.next(cache: &self.cache) }
    }
}
