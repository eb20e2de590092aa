/// The proxy's side of the config stream, and a zone's of the global control plane's: when to connect, what to apply, how long to
/// wait. The driver performs one action at a time and feeds back what came of it.
package struct SessionMachine: Sendable {
    /// How sentences call the two sides.
    package struct Words: Sendable {
        package var peer: String
        package var caller: String

        package init(peer: String = "the control plane", caller: String = "this proxy") {
            self.peer = peer
            self.caller = caller
        }
    }

    package enum Input: Hashable, Sendable {
        /// The control plane accepted the request; messages follow.
        case opened
        case received(StreamMessage)
        /// The control plane answered with something else than a stream.
        case refused(status: Int, detail: String)
        /// No connection, or a cut one.
        case failed(String)
        /// Something came that makes no sense: no message, a difference from another configuration, a wrong hash. The next
        /// stream starts with a whole configuration.
        case nonsense(String)
        /// Nothing for `StreamMessage.silenceLimit`.
        case silent
        /// The stream ended in good order: the control plane restarts.
        case ended
        /// The time of a `wait` is over.
        case waited
        /// The token or CA file changed: no reason to wait any longer.
        case credentialsChanged
    }

    package enum Action: Hashable, Sendable {
        case connect(have: String?)
        case listen
        case apply(ConfigUpdate)
        case wait(Duration, because: Setback)
    }

    /// Why there is no stream.
    package struct Setback: Hashable, Sendable {
        package enum Kind: Hashable, Sendable { case unreachable, refused(status: Int), ended }
        package var kind: Kind
        /// What happened and, where a person can do something, what to do.
        package var sentence: String

        package init(kind: Kind, sentence: String) {
            self.kind = kind
            self.sentence = sentence
        }
    }

    private enum State: Hashable {
        /// To `streaming` or `waiting`.
        case connecting
        /// Whether anything came, which is what ends a series of failures. To `waiting`.
        case streaming(heard: Bool)
        /// To `connecting`.
        case waiting
    }

    private var state = State.connecting
    /// Failed attempts in a row.
    private var failures = 0
    /// The configuration handed to the driver last: it keeps serving that one whatever happens here. Nil once more when what came
    /// after it made no sense, so that it is not built upon.
    private var have: String?

    package static let firstWait = Duration.seconds(1)
    package static let longestWait = Duration.seconds(30)

    private let words: Words

    package init(have: String? = nil, words: Words = Words()) {
        self.have = have
        self.words = words
    }

    package var start: Action { .connect(have: self.have) }

    package var isStreaming: Bool { if case .streaming = self.state { true } else { false } }

    /// - Parameter generator: for the jitter, so that proxies cut off together do not come back together.
    package mutating func next(_ input: Input, using generator: inout some RandomNumberGenerator) -> Action {
        switch (self.state, input) {
        case (.connecting, .opened):
            self.state = .streaming(heard: false)
            return .listen
        case (.streaming, .received(let message)):
            self.state = .streaming(heard: true)
            self.failures = 0
            guard case .config(let update) = message else { return .listen }
            let isNews = update.text.hash != self.have
            self.have = update.text.hash
            return isNews ? .apply(update) : .listen
        case (.waiting, .waited), (.waiting, .credentialsChanged):
            self.state = .connecting
            return .connect(have: self.have)
        case (.connecting, .refused(let status, let detail)):
            return self.setBack(.init(kind: .refused(status: status), sentence: self.sentence(status: status, detail: detail)), &generator)
        case (.connecting, .failed(let cause)), (.streaming, .failed(let cause)):
            return self.setBack(.init(kind: .unreachable, sentence: cause), &generator)
        case (.streaming, .nonsense(let cause)):
            self.have = nil
            return self.setBack(
                .init(kind: .unreachable, sentence: "\(cause); asking for the whole configuration"), &generator)
        case (.connecting, .silent), (.streaming, .silent):
            let limit = StreamMessage.silenceLimit.components.seconds
            return self.setBack(.init(kind: .unreachable, sentence: "\(self.words.peer) said nothing for \(limit) s"), &generator)
        case (.connecting, .ended), (.streaming, .ended):
            return self.setBack(.init(kind: .ended, sentence: "\(self.words.peer) closed the stream"), &generator)
        case (.streaming, .credentialsChanged): return .listen
        case (.connecting, .credentialsChanged): return .connect(have: self.have)
        case (.connecting, .received), (.connecting, .nonsense), (.connecting, .waited), (.streaming, .opened), (.streaming, .refused),
            (.streaming, .waited),
            (.waiting, _):
            preconditionFailure("\(input) while \(self.state)")
        }
    }

    private mutating func setBack(_ setback: Setback, _ generator: inout some RandomNumberGenerator) -> Action {
        self.state = .waiting
        let ceiling = min(Self.firstWait * (1 << min(self.failures, 10)), Self.longestWait)
        self.failures += 1
        // Between half and all of the ceiling: spread, yet never an immediate return.
        return .wait(ceiling * Double.random(in: 0.5...1, using: &generator), because: setback)
    }

    private func sentence(status: Int, detail: String) -> String {
        let said = detail.isEmpty ? "" : ": \(detail)"
        let (peer, caller) = (self.words.peer, self.words.caller)
        return switch status {
        case 401: "\(peer) does not accept \(caller)'s token\(said)"
        case 403: "\(peer) does not let \(caller) have what it asks for\(said)"
        case 404: "\(peer) does not know \(caller)\(said)"
        case 429, 503: "\(peer) is not ready to serve \(caller) (HTTP \(status))\(said)"
        default: "\(peer) answered with HTTP \(status)\(said)"
        }
    }
}
