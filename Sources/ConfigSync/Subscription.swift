/// The control plane's side of one stream: holds only the newest configuration, and sends none the proxy already has.
package struct Subscription: Sendable {
    private var latest: ConfigText?
    /// What the proxy has, or will have when it has read what was sent.
    private var have: String?
    /// The same as text, where we still have that; differences start from it.
    private var base: ConfigText?

    /// - Parameters:
    ///   - have: the hash the proxy named in its request.
    ///   - known: the configurations that this proxy was sent before.
    package init(have: String? = nil, known: [ConfigText] = []) {
        self.have = have
        self.base = known.last { $0.hash == have }
    }

    /// A new plan for this proxy. One that was not yet sent is forgotten.
    /// - Returns: whether there is something to send.
    package mutating func planned(_ text: ConfigText) -> Bool {
        self.latest = text
        if text.hash == self.have { self.base = text }
        return text.hash != self.have
    }

    /// What to write next, asked whenever the writer is free; nil: nothing new.
    package mutating func next(cache: inout DifferenceCache) -> OutgoingConfig? {
        guard let latest = self.latest, latest.hash != self.have else { return nil }
        let outgoing = OutgoingConfig(latest, for: self.base, cache: &cache)
        self.have = latest.hash
        self.base = latest
        return outgoing
    }

    /// What was sent last.
    package var sent: ConfigText? { self.base }
}
