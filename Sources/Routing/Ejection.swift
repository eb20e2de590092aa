/// Passive health of one endpoint: failures in a row set it aside, each time for longer. When that time is over, one
/// connection, the probe, finds out; until it has, the endpoint stays aside for everybody else.
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

    /// On the caller's monotonic clock. Set from the first ejection to the next success.
    package private(set) var until: Duration?
    private var failuresInARow = 0
    private var timesEjected = 0

    package init() {}

    /// Whether there is anything to forget.
    package var isClean: Bool { self == Ejection() }

    package func isEjected(now: Duration) -> Bool { self.until.map { now < $0 } ?? false }

    /// A connect worked: the past is forgotten.
    package mutating func succeeded() { self = Ejection() }

    /// A connect failed. Once an endpoint was set aside only its probe's failure is news: the others began before, or because
    /// there was nowhere else to go.
    package mutating func failed(now: Duration, isProbe: Bool = false, policy: Policy) {
        if self.timesEjected > 0 {
            guard isProbe else { return }
        } else {
            self.failuresInARow += 1
            guard self.failuresInARow >= policy.failures else { return }
        }
        let doublings = min(self.timesEjected, 20)
        self.until = now + min(policy.first * (1 << doublings), policy.longest)
        self.timesEjected += 1
        self.failuresInARow = 0
    }
}
