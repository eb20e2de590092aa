/// Bounds a rate: `burst` at once, `perSecond` over time. Callers get a waiting time and keep their place in the line.
package struct TokenBucket<Instant: InstantProtocol & Sendable>: Sendable where Instant.Duration == Duration {
    private let interval: Duration
    private let burst: Int
    /// When the bucket would be full again if nobody asked any more.
    private var fullAt: Instant?

    package init(perSecond: Double, burst: Int) {
        precondition(perSecond > 0 && burst >= 1, "a rate has to let something through")
        self.interval = .seconds(1 / perSecond)
        self.burst = burst
    }

    /// Takes one token; returns how long to wait before using it.
    package mutating func take(now: Instant) -> Duration {
        let fullAt = max(self.fullAt ?? now, now).advanced(by: self.interval)
        self.fullAt = fullAt
        let missing = now.duration(to: fullAt) - self.interval * self.burst
        return max(.zero, missing)
    }
}
