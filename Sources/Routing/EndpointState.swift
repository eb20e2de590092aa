import Synchronization

/// One endpoint's connections and health, shared by all workers and by both engines, across configurations.
///
/// What every connection touches is an atomic; the lock is taken at failures and at the first success after one.
package final class EndpointState: Sendable {
    private let active = Atomic<Int>(0)
    private let connects = Atomic<UInt64>(0)
    private let failures = Atomic<UInt64>(0)
    /// Copies of what `health` says: monotonic nanoseconds, 0 while it isn't set aside.
    private let ejectedUntil = Atomic<Int64>(0)
    private let isClean = Atomic<Bool>(true)
    private let isProbed = Atomic<Bool>(false)
    private let health = Mutex(Ejection())
    private let policy: Ejection.Policy

    init(_ policy: Ejection.Policy) { self.policy = policy }

    /// Open connections and attempts under way.
    package var activeConnections: Int { self.active.load(ordering: .relaxed) }
    package var connectCount: UInt64 { self.connects.load(ordering: .relaxed) }
    package var failureCount: UInt64 { self.failures.load(ordering: .relaxed) }

    /// Aside, or waiting for its probe's outcome.
    package func isEjected(now: Int64) -> Bool { !self.isAvailable(now: now) }

    func isAvailable(now: Int64) -> Bool {
        let until = self.ejectedUntil.load(ordering: .relaxed)
        return until == 0 || (now >= until && !self.isProbed.load(ordering: .relaxed))
    }

    /// Begins an attempt, which counts as a connection, so that attempts under way spread as well. Nil where another probe
    /// was quicker.
    /// - parameter anyway: Even if set aside.
    func begin(now: Int64, anyway: Bool) -> Attempt? {
        let until = self.ejectedUntil.load(ordering: .relaxed)
        var attempt = Attempt.plain
        if until != 0 && now >= until
            && self.isProbed.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
        {
            attempt = .probe
        } else if until != 0 && !anyway {
            return nil
        }
        self.active.add(1, ordering: .relaxed)
        return attempt
    }

    enum Attempt { case plain, probe }

    func connected(isProbe: Bool) {
        self.connects.add(1, ordering: .relaxed)
        if !self.isClean.load(ordering: .relaxed) { self.change { $0.succeeded() } }
        if isProbe { self.isProbed.store(false, ordering: .releasing) }
    }

    /// Ends what `begin` began.
    func failed(now: Int64, isProbe: Bool) {
        self.active.subtract(1, ordering: .relaxed)
        self.failures.add(1, ordering: .relaxed)
        self.change { $0.failed(now: .nanoseconds(now), isProbe: isProbe, policy: self.policy) }
        if isProbe { self.isProbed.store(false, ordering: .releasing) }
    }

    /// The connection ended, or the attempt was given up for a reason that says nothing about the endpoint.
    func ended(isProbe: Bool) {
        self.active.subtract(1, ordering: .relaxed)
        if isProbe { self.isProbed.store(false, ordering: .releasing) }
    }

    private func change(_ body: (inout Ejection) -> Void) {
        self.health.withLock { health in
            body(&health)
            let (seconds, attoseconds) = (health.until ?? .zero).components
            self.ejectedUntil.store(seconds * 1_000_000_000 + attoseconds / 1_000_000_000, ordering: .relaxed)
            self.isClean.store(health.isClean, ordering: .relaxed)
        }
    }
}
