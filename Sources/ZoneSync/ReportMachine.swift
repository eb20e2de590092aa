package import ConfigSync

/// The zone's side of telling: what to post, and when. Only the newest is ever sent, as a difference from what the global control
/// plane has where that is known and shorter; equal content is never sent.
package struct ReportMachine: Sendable {
    package enum Input: Hashable, Sendable {
        /// There is a stream; the global control plane says what it has of us.
        case connected(have: String?)
        case disconnected
        case changed(ConfigText)
        /// It took what was posted.
        case taken
        /// It has not what the difference starts from.
        case unknownBase
        /// It did not take it, for this once or because of what it is.
        case failed
        /// The time of a `wait` is over.
        case waited
    }

    package enum Action: Hashable, Sendable {
        case post(OutgoingConfig, base: String?)
        case wait(Duration)
        case rest
    }

    private enum State: Hashable {
        /// To `idle`.
        case apart
        /// To `posting`.
        case idle
        /// To `idle` or `waiting`.
        case posting(ConfigText)
        /// To `posting`.
        case waiting
    }

    private var state = State.apart
    private var newest: ConfigText?
    /// What it has: the hash, and the text where we know that.
    private var have: String?
    private var base: ConfigText?
    /// What it may have instead: posted, and the answer was lost.
    private var posted: ConfigText?
    private var failures = 0

    package static let firstWait = Duration.seconds(1)
    package static let longestWait = Duration.seconds(30)

    package init() {}

    package mutating func next(_ input: Input) -> Action {
        switch (self.state, input) {
        case (_, .disconnected):
            self.state = .apart
            return .rest
        case (_, .connected(let have)):
            self.state = .idle
            self.failures = 0
            self.have = have
            self.base = [self.base, self.posted].compactMap(\.self).first { $0.hash == have }
            return self.post()
        case (.idle, .changed(let text)):
            self.newest = text
            return self.post()
        case (_, .changed(let text)):
            self.newest = text
            return .rest
        case (.posting(let sent), .taken):
            self.base = sent
            self.have = sent.hash
            self.failures = 0
            self.state = .idle
            return self.post()
        case (.posting, .unknownBase):
            self.base = nil
            self.have = nil
            self.state = .idle
            return self.post()
        case (.posting, .failed):
            self.state = .waiting
            self.failures += 1
            return .wait(min(Self.firstWait * (1 << min(self.failures - 1, 10)), Self.longestWait))
        case (.waiting, .waited):
            self.state = .idle
            return self.post()
        case (.apart, _), (.idle, _), (.waiting, _), (.posting, .waited):
            // Answers to what was asked before the stream was lost.
            return .rest
        }
    }

    private mutating func post() -> Action {
        guard let newest, newest.hash != self.have else { return .rest }
        self.state = .posting(newest)
        self.posted = newest
        var cache = DifferenceCache()
        let outgoing = OutgoingConfig(newest, for: self.base, cache: &cache)
        return .post(outgoing, base: outgoing.form == .difference ? self.base?.hash : nil)
    }
}
