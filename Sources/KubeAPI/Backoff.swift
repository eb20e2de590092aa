/// Waiting times after failures: doubling from `base` up to `cap`, each drawn from the upper half of its range, so that
/// many clients that failed together do not come back together.
///
/// With the defaults the longest waits are 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30 … seconds.
package struct Backoff: Hashable, Sendable {
    package var base: Duration
    package var cap: Duration

    package init(base: Duration = .milliseconds(800), cap: Duration = .seconds(30)) {
        self.base = base
        self.cap = cap
    }

    /// The wait after `failures` failures in a row (1 or more).
    package func delay(failures: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        // Capped before multiplying, so that no count overflows.
        let doublings = min(max(failures, 1) - 1, 20)
        let most = min(self.cap, self.base * (1 << doublings))
        return most * Double.random(in: 0.5...1, using: &generator)
    }
}
