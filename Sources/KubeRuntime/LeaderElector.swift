private import FoundationEssentials
package import KubeAPI
package import Logging
import ServiceLifecycle
private import Synchronization

/// Holds or waits for a Lease. Runs until cancelled or gracefully shut down, and then gives the lease up.
///
/// Run it before whatever writes as leader, so that it ends after them: a lease given up while a write is under way would
/// let two write at once.
package final class LeaderElector: Service, Sendable {
    private struct State {
        var machine: LeaseMachine
        var said: Bool?
        var listeners: [AsyncStream<Bool>.Continuation] = []
        /// The lease as we last read or wrote it: what the next write is conditional on.
        var lease: KubeObject?
        var isStopping = false
    }

    private let client: KubeClient
    private let key: ObjectKey
    private let identity: String
    private let timing: LeaseMachine.Timing
    private let logger: Logger
    private let state: Mutex<State>
    private let stopping = Wakeup()
    private let changed = Wakeup()
    private let epoch = ContinuousClock.now

    /// `identity` must differ between replicas: the pod's name.
    package init(
        client: KubeClient, lease: ObjectKey, identity: String, timing: LeaseMachine.Timing = .init(),
        logger: Logger = Logger(label: "egret.lease")
    ) {
        self.client = client
        self.key = lease
        self.identity = identity
        self.timing = timing
        var logger = logger
        logger[metadataKey: "lease.name"] = "\(lease)"
        self.logger = logger
        self.state = Mutex(State(machine: LeaseMachine(identity: identity, timing: timing)))
    }

    private var now: Duration { ContinuousClock.now - self.epoch }

    /// Ask before every write.
    package var isLeader: Bool { self.state.withLock { $0.machine.isLeader(now: self.now) } }

    /// Who holds the lease, as last seen.
    package var holder: String? { self.state.withLock { $0.machine.holder } }

    /// The current answer, then each change of it.
    package func leadership() -> AsyncStream<Bool> {
        let (stream, continuation) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingNewest(1))
        let now = self.now
        self.state.withLock { state in
            state.listeners.append(continuation)
            continuation.yield(state.machine.isLeader(now: now))
        }
        return stream
    }

    package func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskGroup { group in
                group.addTask { await self.watchTheClock() }
                await self.campaign()
                await self.release()
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.state.withLock { $0.isStopping = true }
            self.stopping.signal()
        }
        self.announce()
        self.state.withLock { state in
            for listener in state.listeners { listener.finish() }
            state.listeners = []
        }
    }

    private func campaign() async {
        while !Task.isCancelled, !self.state.withLock({ $0.isStopping }) {
            let wait = await self.step()
            self.announce()
            self.changed.signal()
            await self.stopping.wait(until: .now + wait * Double.random(in: 1...1.2))
        }
    }

    /// One look, and one write where it is our turn. Returns how long to wait before the next.
    private func step() async -> Duration {
        do throws(KubeError) {
            // While we lead nobody else should write: the read is spared as long as that holds.
            let known = self.state.withLock { $0.machine.isLeader(now: self.now) ? $0.lease : nil }
            let lease = if let known { known as KubeObject? } else { try await self.read() }
            let action = self.state.withLock { state in
                state.lease = lease
                return state.machine.observed(lease.map { LeaseRecord($0.spec) }, now: self.now, date: Date())
            }
            switch action {
            case .wait(let delay): return delay
            case .create(let record):
                var lease = KubeObject(.leases, name: self.key.name, namespace: self.key.namespace)
                lease.spec = record.spec
                try await self.write(.create(.leases, lease), record)
            case .replace(let record):
                guard var lease else { return self.timing.retryPeriod }
                lease.spec = record.spec
                try await self.write(.replace(.leases, lease), record)
            }
        } catch .conflict, .alreadyExists, .notFound {
            // Somebody was faster: look again before deciding anything.
            self.state.withLock { $0.lease = nil }
        } catch {
            self.state.withLock { $0.lease = nil }
            // That no server answers is told once, by the client; that leadership ended, by `announce`.
            let level = error.status == nil ? Logger.Level.debug : .warning
            if !Task.isCancelled {
                self.logger.log(level: level, "The leader lease could not be renewed", metadata: ["reason": "\(error)"])
            }
        }
        return self.timing.retryPeriod
    }

    private var effort: KubeClient.Effort { .init(maxAttempts: 1, timeout: self.timing.renewDeadline / 2) }

    private func read() async throws(KubeError) -> KubeObject? {
        do {
            return KubeObject(try await self.client.send(.get(.leases, self.key.name, namespace: self.key.namespace), effort: self.effort))
        } catch .notFound {
            return nil
        }
    }

    private func write(_ request: KubeRequest, _ record: LeaseRecord) async throws(KubeError) {
        let startedAt = self.now
        let written = KubeObject(try await self.client.send(request, effort: self.effort))
        self.state.withLock { state in
            state.lease = written
            // What the server stored (with its rounding of times) is what the next read will show.
            state.machine.wrote(LeaseRecord(written.spec), startedAt: startedAt, now: self.now)
        }
    }

    private func release() async {
        let (record, lease) = self.state.withLock { ($0.machine.release(date: Date()), $0.lease) }
        guard let record, var lease else { return }
        lease.spec = record.spec
        do throws(KubeError) {
            try await self.client.send(.replace(.leases, lease), effort: self.effort)
            self.logger.info("Gave the leader lease up")
        } catch {
            self.logger.info("The leader lease could not be given up; it runs out by itself", metadata: ["reason": "\(error)"])
        }
    }

    /// Says that leadership is over at the moment it is, even while a renewal hangs.
    private func watchTheClock() async {
        while !Task.isCancelled {
            let until = self.state.withLock { $0.machine.leadsUntil }
            await self.changed.wait(until: until.flatMap { $0 > self.now ? self.epoch + $0 : nil })
            self.announce()
        }
    }

    private func announce() {
        let now = self.now
        let change = self.state.withLock { state -> (Bool, String?, [AsyncStream<Bool>.Continuation])? in
            let isLeader = state.machine.isLeader(now: now)
            guard isLeader != state.said else { return nil }
            let isFirst = state.said == nil
            state.said = isLeader
            return isFirst && !isLeader ? nil : (isLeader, state.machine.holder, state.listeners)
        }
        guard let (isLeader, holder, listeners) = change else { return }
        self.logger.info(
            isLeader ? "This replica leads and writes objects" : "This replica no longer leads",
            metadata: ["lease.holder": "\(holder ?? "nobody")", "lease.identity": "\(self.identity)"])
        for listener in listeners { listener.yield(isLeader) }
    }
}
