import ConfigSync
import Synchronization

/// One open stream. `wakes` yields whenever it is worth asking `next`, and ends when the stream should.
final class OutgoingStream<Peer: Hashable & Sendable>: Sendable {
    private struct State {
        var subscription: Subscription
        var version = 0
        /// What was sent, the newest last: the peer may have got any of it.
        var sent: [ConfigText]
        /// To be sent.
        var questions: [Question] = []
    }

    /// A peer that is cut off while it reads may have no more than what came before the last ones.
    private static var remembered: Int { 4 }

    let id: Int
    /// In the books of who is there.
    let name: String
    let peer: Peer
    let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation
    private let differences: SharedDifferences
    private let state: Mutex<State>

    init(id: Int, name: String, peer: Peer, have: String?, known: [ConfigText], differences: SharedDifferences) {
        self.id = id
        self.name = name
        self.peer = peer
        self.differences = differences
        self.state = Mutex(State(subscription: Subscription(have: have, known: known), sent: known))
        (self.wakes, self.wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func planned(_ text: ConfigText?, version: Int) {
        let isNew = self.state.withLock { state in
            guard version > state.version || state.version == 0 else { return false }
            state.version = version
            guard let text else { return false }
            return state.subscription.planned(text)
        }
        if isNew { self.wakeUp() }
    }

    func ask(_ question: Question) {
        self.state.withLock { $0.questions.append(question) }
        self.wakeUp()
    }

    /// Questions to write, each once.
    func nextQuestions() -> [Question] {
        self.state.withLock { state in
            defer { state.questions = [] }
            return state.questions
        }
    }

    /// What to write next; nil: nothing new.
    func next() -> OutgoingConfig? {
        self.state.withLock { state in
            Self.remember(&state)
            return self.differences.next(&state.subscription)
        }
    }

    /// What the peer was sent last, or said that it has; the newest last.
    var sent: [ConfigText] {
        self.state.withLock { state in
            Self.remember(&state)
            return state.sent
        }
    }

    private static func remember(_ state: inout State) {
        guard let sent = state.subscription.sent, sent != state.sent.last else { return }
        state.sent = state.sent.suffix(Self.remembered - 1) + [sent]
    }

    func wakeUp() { self.wake.yield() }

    func finish() { self.wake.finish() }
}
