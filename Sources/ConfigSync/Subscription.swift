/// The control plane's side of one stream: holds only the latest snapshot, and sends none the proxy already has.
package struct Subscription: Sendable {
    package enum Next: Hashable, Sendable {
        case send(StreamMessage)
        /// Nothing new: wait for `planned`, or send a ping after `StreamMessage.pingInterval`.
        case wait
    }

    private var latest: Snapshot?
    /// What the proxy has, or will have when it has read what was sent.
    private var have: String?

    /// - Parameter have: the hash the proxy named in its request.
    package init(have: String? = nil) { self.have = have }

    /// A new plan for this proxy. One that was not yet sent is forgotten.
    package mutating func planned(_ snapshot: Snapshot) { self.latest = snapshot }

    /// What to write next; asked whenever the writer is free.
    package mutating func next() -> Next {
        guard let latest = self.latest, latest.hash != self.have else { return .wait }
        self.have = latest.hash
        return .send(.snapshot(latest))
    }
}
