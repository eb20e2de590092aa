import Routing

/// One look-up of one name: each candidate of the search list in turn, both families at a time.
///
/// The rules are those of glibc: the first candidate with an address of either family wins; a candidate that doesn't exist,
/// or whose servers fail at it, makes room for the next; silence ends the search, because the rest would be asked of the
/// same silent servers. "There is no such name" is only concluded when every candidate was denied.
struct Question {
    enum Family: Int, Hashable { case ipv4, ipv6 }

    enum Reply: Hashable {
        case addresses([IPEndpoint], ttl: Duration)
        /// No such name, or none of this family.
        case none
        case failed(String)
        case silent
    }

    enum Step: Hashable {
        case wait
        /// Ask for both families of this name.
        case ask(String)
        case found([IPEndpoint], ttl: Duration)
        case absent
        case failed(String)
    }

    private let candidates: [String]
    private var position = 0
    private var replies: [Reply?] = [nil, nil]
    private var failure: String?

    init(candidates: [String]) { self.candidates = candidates }

    /// The first step.
    mutating func begin() -> Step { self.candidates.isEmpty ? .failed("this is no host name") : .ask(self.candidates[0]) }

    /// A reply for the candidate asked last. Each family replies once.
    mutating func received(_ reply: Reply, _ family: Family) -> Step {
        self.replies[family.rawValue] = reply
        guard let ipv4 = self.replies[0], let ipv6 = self.replies[1] else { return .wait }
        if let (addresses, ttl) = Self.join(ipv4, ipv6) { return .found(addresses, ttl: ttl) }
        for reply in [ipv4, ipv6] {
            switch reply {
            case .silent: return .failed("the DNS servers don't answer")
            case .failed(let problem): self.failure = problem
            case .none, .addresses: break
            }
        }
        self.position += 1
        self.replies = [nil, nil]
        if self.position < self.candidates.count { return .ask(self.candidates[self.position]) }
        return self.failure.map { .failed($0) } ?? .absent
    }

    /// The addresses of the family that has replied while the other has not.
    var early: [IPEndpoint] {
        for case .addresses(let addresses, _)? in self.replies { return addresses }
        return []
    }

    private static func join(_ ipv4: Reply, _ ipv6: Reply) -> ([IPEndpoint], Duration)? {
        switch (ipv4, ipv6) {
        case (.addresses(let four, let ttl4), .addresses(let six, let ttl6)):
            (ResolvedName.interleave(ipv4: four, ipv6: six), min(ttl4, ttl6))
        case (.addresses(let addresses, let ttl), _), (_, .addresses(let addresses, let ttl)): (addresses, ttl)
        default: nil
        }
    }
}
