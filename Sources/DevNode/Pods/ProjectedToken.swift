import FoundationEssentials

/// A service account token in a volume.
struct ProjectedToken: Hashable, Sendable {
    let text: String
    let expiresAt: Date
    /// When to ask for another: at four fifths of its life, as a kubelet does.
    private(set) var renewAt: Date

    init(text: String, issuedAt: Date, expiresAt: Date) {
        self.text = text
        self.expiresAt = expiresAt
        self.renewAt = issuedAt.addingTimeInterval(expiresAt.timeIntervalSince(issuedAt) * 0.8)
    }

    /// The token once more after a failed renewal, to be renewed soon; nil when it is of no use any more.
    func postponed(now: Date) -> ProjectedToken? {
        guard self.expiresAt > now else { return nil }
        var token = self
        token.renewAt = now.addingTimeInterval(5)
        return token
    }
}
