/// Passive health of one endpoint: failures in a row set it aside, each time for longer.
package struct Ejection: Hashable, Sendable {
    package struct Policy: Hashable, Sendable {
        /// Failures in a row before an endpoint is set aside.
        package var failures: Int
        /// The first time; doubled each time up to `longest`.
        package var first: Duration
        package var longest: Duration

        package init(failures: Int = 3, first: Duration = .seconds(5), longest: Duration = .seconds(300)) {
            self.failures = failures
            self.first = first
            self.longest = longest
        }
    }

    /// On the caller's monotonic clock.
    package private(set) var until: Duration?
    private var failuresInARow = 0
    private var timesEjected = 0

    package init() {}

    package func isEjected(now: Duration) -> Bool { self.until.map { now < $0 } ?? false }

    /// A connect worked: the past is forgotten.
    package mutating func succeeded() { self = Ejection() }

    /// A connect failed. After an ejection is over one failure is enough for the next, longer one.
    package mutating func failed(now: Duration, policy: Policy) {
        // Attempts that began before the ejection say nothing new.
        if self.isEjected(now: now) { return }
        self.failuresInARow += 1
        guard self.failuresInARow >= policy.failures || self.timesEjected > 0 else { return }
        let doublings = min(self.timesEjected, 20)
        self.until = now + min(policy.first * (1 << doublings), policy.longest)
        self.timesEjected += 1
        self.failuresInARow = 0
    }
}
