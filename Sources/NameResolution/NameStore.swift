import Routing

/// What is known of each name and who waits for it. Times are monotonic nanoseconds.
///
/// - An answer serves until its TTL ends. One that is in use is asked for again a little earlier, so that a busy name never
///   keeps a connection waiting.
/// - A failure leaves the last good answer in service; a denial ("no such name") takes it away (RFC 8767 section 4).
/// - While a question is under way, who has an old answer waits for `staleDelay` at most, and not at all when the last
///   question failed.
struct NameStore {
    typealias Callback = @Sendable (ResolvedName) -> Void

    private struct Entry {
        /// Of the last good answer.
        var addresses: [IPEndpoint] = []
        /// Of the last question, where it went wrong.
        var problem: String?
        var validUntil: Int64 = .min
        /// From here on it is worth asking again.
        var refreshAt: Int64 = .max
        var lastUse: Int64 = 0
        /// Since the last answer.
        var isUsed = false
        /// When the question under way began.
        var startedAt: Int64?
        /// What one family says while the other is silent, and from when on that has to do.
        var early: (addresses: [IPEndpoint], at: Int64)?
        var waiting: [Callback] = []

        var isStale: Bool { !self.addresses.isEmpty && self.problem != nil }
    }

    /// An answer that will be replaced soon.
    private static let makeshift = Duration.seconds(1)

    private let policy: ResolverPolicy
    private var entries: [String: Entry] = [:]

    init(_ policy: ResolverPolicy) { self.policy = policy }

    var count: Int { self.entries.count }

    func known(_ name: String) -> ResolvedName? {
        self.entries[name].map { ResolvedName(addresses: $0.addresses, problem: $0.problem, validFor: .zero) }
    }

    struct Asked {
        var answer: ResolvedName?
        /// The caller has to begin a question.
        var begins = false
        /// What `nextDue` says has changed.
        var changesSchedule = false
    }

    mutating func ask(_ name: String, now: Int64, _ callback: @escaping Callback) -> Asked {
        if self.entries[name] == nil { self.forgetUnused(now) }
        var entry = self.entries[name] ?? Entry()
        defer { self.entries[name] = entry }
        entry.lastUse = now
        var asked = Asked()
        if now < entry.validUntil {
            asked.answer = ResolvedName(
                addresses: entry.addresses, problem: entry.problem, validFor: .nanoseconds(entry.validUntil - now))
            asked.changesSchedule = !entry.isUsed
            entry.isUsed = true
            asked.begins = now >= entry.refreshAt && entry.startedAt == nil
        } else {
            asked.begins = entry.startedAt == nil
            asked.answer = self.makeshift(entry, now: now)
            if asked.answer == nil {
                entry.waiting.append(callback)
                asked.changesSchedule = true
            }
        }
        if asked.begins {
            entry.startedAt = now
            entry.early = nil
        }
        return asked
    }

    /// What has to do until the question under way is answered.
    private func makeshift(_ entry: Entry, now: Int64) -> ResolvedName? {
        if let early = entry.early, now >= early.at { return ResolvedName(addresses: early.addresses, validFor: Self.makeshift) }
        guard !entry.addresses.isEmpty else { return nil }
        let since = entry.startedAt.map { now - $0 } ?? 0
        guard entry.isStale || since >= self.policy.staleDelay.inNanoseconds else { return nil }
        return ResolvedName(addresses: entry.addresses, problem: entry.problem, validFor: Self.makeshift)
    }

    enum Outcome {
        case found([IPEndpoint], ttl: Duration)
        case absent
        case failed(String)
    }

    typealias Delivery = (callbacks: [Callback], answer: ResolvedName)

    /// The question is answered.
    mutating func learned(_ name: String, _ outcome: Outcome, now: Int64) -> Delivery? {
        guard var entry = self.entries[name] else { return nil }
        var validFor = self.policy.negative
        switch outcome {
        case .found(let addresses, let ttl):
            validFor = min(max(ttl, self.policy.shortest), self.policy.longest)
            entry.addresses = addresses
            entry.problem = nil
        case .absent:
            entry.addresses = []
            entry.problem = "there is no address under this name"
        case .failed(let problem): entry.problem = problem
        }
        entry.validUntil = now + validFor.inNanoseconds
        entry.refreshAt = entry.validUntil - min(max(validFor / 10, .milliseconds(100)), .seconds(5)).inNanoseconds
        entry.startedAt = nil
        entry.early = nil
        let callbacks = entry.waiting
        entry.waiting = []
        entry.isUsed = !callbacks.isEmpty
        self.entries[name] = entry
        return (callbacks, ResolvedName(addresses: entry.addresses, problem: entry.problem, validFor: validFor))
    }

    /// One family has answered, the other has not.
    mutating func learnedEarly(_ name: String, _ addresses: [IPEndpoint], now: Int64) {
        guard self.entries[name]?.early == nil else { return }
        self.entries[name]?.early = (addresses, now + self.policy.familyDelay.inNanoseconds)
    }

    /// What the clock brings: answers for those who have waited long enough, and names to ask for again.
    mutating func due(now: Int64) -> (deliveries: [Delivery], begin: [String]) {
        var deliveries: [Delivery] = []
        var begin: [String] = []
        for (name, entry) in self.entries {
            if !entry.waiting.isEmpty, let answer = self.makeshift(entry, now: now) {
                deliveries.append((entry.waiting, answer))
                self.entries[name]!.waiting = []
                self.entries[name]!.isUsed = true
            }
            if entry.isUsed && entry.startedAt == nil && now >= entry.refreshAt {
                begin.append(name)
                self.entries[name]!.startedAt = now
                self.entries[name]!.early = nil
            }
        }
        return (deliveries, begin)
    }

    /// When to call `due` at the latest.
    var nextDue: Int64? {
        var next: Int64?
        for entry in self.entries.values {
            if !entry.waiting.isEmpty {
                if let early = entry.early { next = min(next ?? .max, early.at) }
                if !entry.addresses.isEmpty, let started = entry.startedAt {
                    next = min(next ?? .max, started + self.policy.staleDelay.inNanoseconds)
                }
            }
            if entry.isUsed && entry.startedAt == nil { next = min(next ?? .max, entry.refreshAt) }
        }
        return next
    }

    private mutating func forgetUnused(_ now: Int64) {
        let limit = now - self.policy.memory.inNanoseconds
        self.entries = self.entries.filter { $0.value.lastUse >= limit || $0.value.startedAt != nil }
    }
}

extension Duration {
    var inNanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
