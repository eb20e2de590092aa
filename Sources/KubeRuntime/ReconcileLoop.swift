package import KubeAPI
package import Logging
import ServiceLifecycle
private import Synchronization
private import Telemetry

/// How a reconcile ended.
package enum ReconcileOutcome: Hashable, Sendable {
    case done
    /// All is well; look again after this (a renewal, a deadline).
    case again(after: Duration)
    case failed(ReconcileFailure)
}

/// Turns changes into keys and keys into calls of `reconcile`.
///
/// 1. Nothing is reconciled before all caches are filled.
/// 2. Then every key of every object in them is reconciled once.
/// 3. Afterwards each change asks for its keys; a key that is being worked on comes again later, never twice at once.
/// 4. A failure comes back after a growing wait, unless it needs a person: then the next change wakes it.
/// 5. A graceful shutdown takes no more keys and lets running reconciles finish.
package final class ReconcileLoop<Key: Hashable & Sendable>: Service, Sendable {
    private struct State {
        var queue: WorkQueue<Key, ContinuousClock.Instant>
        var isStopping = false
    }

    package let name: String
    private let informers: InformerGroup
    private let workers: Int
    private let metrics: ReconcileMetrics?
    private let logger: Logger
    private let keys: @Sendable (CacheChange) -> [Key]
    private let reconcile: @Sendable (Key) async -> ReconcileOutcome
    private let state: Mutex<State>
    private let wakeup = Wakeup()

    /// `keys` says which keys a change concerns.
    package init(
        name: String, informers: InformerGroup, workers: Int = 1, backoff: Backoff = Backoff(), metrics: ReconcileMetrics? = nil,
        logger: Logger, keys: @escaping @Sendable (CacheChange) -> [Key], reconcile: @escaping @Sendable (Key) async -> ReconcileOutcome
    ) {
        precondition(workers >= 1, "a loop without workers does nothing")
        self.name = name
        self.informers = informers
        self.workers = workers
        self.metrics = metrics
        self.logger = logger
        self.keys = keys
        self.reconcile = reconcile
        self.state = Mutex(State(queue: WorkQueue(backoff: backoff)))
    }

    /// Asks for a look at a key from outside (a timer, a config stream).
    package func enqueue(_ key: Key, after delay: Duration = .zero) { self.enqueue([key], after: delay) }

    package func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskGroup { group in
                group.addTask { await self.listen() }
                await self.dispatch()
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.state.withLock { $0.isStopping = true }
            self.wakeup.signal()
        }
    }

    /// Subscribes first, then waits for the caches: what changes in between is heard, and the first look sees it all.
    private func listen() async {
        let changes = self.informers.changes()
        do { try await self.informers.waitUntilSynchronised() } catch { return }
        for informer in self.informers.informers {
            self.enqueue(self.keys(CacheChange(type: informer.type, keys: Set(informer.snapshot.keys))))
        }
        for await batch in changes {
            for change in batch { self.enqueue(self.keys(change)) }
        }
    }

    private func dispatch() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let (key, due, isStopping) = self.state.withLock { state in
                    if state.isStopping { return (nil as Key?, nil as ContinuousClock.Instant?, true) }
                    // Keys from outside wait for the caches too. A full house waits for a worker, not for a time.
                    guard self.informers.isSynchronised, state.queue.activeCount < self.workers else { return (nil, nil, false) }
                    return (state.queue.take(now: .now), state.queue.nextDue, false)
                }
                if isStopping { return }
                if let key {
                    group.addTask { await self.work(on: key) }
                } else {
                    await self.wakeup.wait(until: due)
                }
            }
        }
    }

    private func work(on key: Key) async {
        self.measure()
        let start = ContinuousClock.now
        let outcome = await self.reconcile(key)
        self.settle(key, outcome)
        self.metrics?.time.with(self.name).observe(ContinuousClock.now - start)
        self.measure()
        self.wakeup.signal()
    }

    private func settle(_ key: Key, _ outcome: ReconcileOutcome) {
        switch outcome {
        case .done:
            self.metrics?.total.with(self.name, "success").add()
            self.state.withLock { $0.queue.done(key) }
        case .again(let delay):
            self.metrics?.total.with(self.name, "requeue_after").add()
            self.state.withLock { $0.queue.done(key, again: .now + delay) }
        case .failed(let failure):
            self.metrics?.total.with(self.name, "error").add()
            self.metrics?.errors.with(self.name).add()
            self.settle(key, failure)
        }
    }

    private func settle(_ key: Key, _ failure: ReconcileFailure) {
        var metadata: Logger.Metadata = ["controller": "\(self.name)", "reconcile.key": "\(key)", "reason": "\(failure)"]
        switch failure {
        case .needsPerson:
            self.state.withLock { $0.queue.done(key) }
            self.logger.warning("A reconcile needs a person; it comes again when something changes", metadata: metadata)
        case .waiting(_, let delay):
            self.state.withLock { $0.queue.done(key, again: .now + delay) }
            metadata["retry.after"] = "\(delay)"
            self.logger.info("A reconcile waits for something else", metadata: metadata)
        case .transient:
            var generator = SystemRandomNumberGenerator()
            let delay = self.state.withLock { $0.queue.failed(key, now: .now, using: &generator) }
            metadata["retry.after"] = "\(delay)"
            self.logger.warning("A reconcile failed and is tried again", metadata: metadata)
        }
    }

    private func enqueue(_ keys: [Key], after delay: Duration = .zero) {
        let now = ContinuousClock.now
        self.state.withLock { state in
            for key in keys { state.queue.add(key, at: now + delay) }
        }
        self.metrics?.adds.with(self.name).add(UInt64(keys.count))
        self.measure()
        self.wakeup.signal()
    }

    private func measure() {
        guard let metrics else { return }
        let (depth, active) = self.state.withLock { ($0.queue.depth, $0.queue.activeCount) }
        metrics.depth.with(self.name).set(Double(depth))
        metrics.activeWorkers.with(self.name).set(Double(active))
    }
}
