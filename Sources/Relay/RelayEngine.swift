import CLinux
package import Logging
package import NameResolution
package import Routing
import Synchronization

/// Accepts, decides and relays. See `docs/architecture.md`, Data path.
///
/// Each worker is a thread with its own listening sockets, connections and counters; the engine binds, compiles tables and
/// passes them on. Workers are as many at the end as at the start: closing one of several sockets of an address resets
/// what is queued on it.
package final class RelayEngine: Sendable {
    private struct Worker: Sendable {
        let mailbox: Mailbox
        let counters: WorkerCounters
        let ended: Countdown
    }

    private struct State {
        var generation: UInt64 = 0
        var table: LiveTable?
        var upstreams = Upstreams()
        var listeners: [ListenerKey: BoundListener] = [:]
        var isAccepting = true
        var isStarted = false
    }

    private let options: RelayOptions
    private let handoff: any ConnectionHandoff
    private let records: any ConnectionRecordSink
    private let logger: Logger
    private let resolver: any NameResolver
    let open = OpenConnections()
    private let workers: [Worker]
    private let retired = RetiredTables()
    private let state = Mutex(State())

    /// More than a round trip to a client far away.
    private static let handshakeTime = Duration.milliseconds(300)

    /// Nothing runs before `start`. Fails only where the machine refuses file descriptors.
    package init(
        options: RelayOptions, handoff: any ConnectionHandoff, records: any ConnectionRecordSink,
        resolver: any NameResolver = DNSResolver(), logger: Logger
    ) throws {
        self.options = options
        self.handoff = handoff
        self.records = records
        self.logger = logger
        self.resolver = resolver
        self.workers = try (0..<max(1, options.workers ?? UsableCores.count)).map { _ in
            Worker(mailbox: try Mailbox(), counters: WorkerCounters(), ended: Countdown(1))
        }
    }

    /// Starts the worker threads. Fails only where the machine refuses threads or file descriptors.
    package func start() throws {
        let isFirst = self.state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { return }
        cl_ignore_sigpipe()
        let files = cl_raise_file_limit()
        let memory = MemoryGuard(limit: self.options.memoryLimit)
        for (number, worker) in self.workers.enumerated() {
            let environment = WorkerEnvironment(
                number: number, options: self.options, handoff: self.handoff, records: self.records, resolver: self.resolver,
                memory: memory, descriptors: DescriptorLimits(files), mailbox: worker.mailbox, counters: worker.counters,
                open: self.open, retired: self.retired)
            let epoll = cl_epoll_create()
            guard epoll >= 0 else { throw RelayError(what: "make an epoll set", status: epoll) }
            let ended = worker.ended
            let status = Thread.start(name: "egret-relay-\(number)") {
                var worker = Relay.Worker(environment, epoll: epoll)
                worker.run()
                ended.countDown()
            }
            guard status == 0 else {
                _ = cl_close(epoll)
                throw RelayError(what: "start a worker thread", status: status)
            }
        }
        self.logger.info("Relay started", metadata: ["workers": "\(self.workers.count)", "files.limit": "\(files)"])
    }

    /// Serves `config` from now on and returns what of it can't be served; everything else is. Listeners whose address and
    /// port stay keep their sockets; open connections are untouched. Returns when every worker has adopted the table.
    package func apply(_ config: ProxyConfig) async -> [ItemError] {
        let compiled = CompiledConfig(config)
        var errors = compiled.errors
        let adopted = Countdown(self.workers.count)
        // Under the lock, so that tables reach all workers in one order. Binding a few sockets takes microseconds.
        self.state.withLock { state in
            guard state.isAccepting else {
                for _ in self.workers { adopted.countDown() }
                return
            }
            state.generation += 1
            var bound: [ListenerKey: Int] = [:]
            var fresh: [(ListenerKey, ListenerSockets)] = []
            for (position, listener) in compiled.listeners.enumerated() {
                let key = ListenerKey(listener)
                if state.listeners[key] == nil {
                    do throws(ItemError) {
                        let sockets = try ListenerSockets.bind(listener, workers: self.workers.count, options: self.options)
                        fresh.append((key, sockets))
                        state.listeners[key] = BoundListener(name: listener.name, address: sockets.address)
                        self.logger.info(
                            "Listening", metadata: ["listener": "\(listener.name)", "listener.address": "\(sockets.address)"])
                    } catch {
                        errors.append(error)
                        continue
                    }
                }
                state.listeners[key]?.name = listener.name
                bound[key] = position
            }
            for (key, listener) in state.listeners where bound[key] == nil {
                state.listeners[key] = nil
                self.logger.info(
                    "No longer listening", metadata: ["listener": "\(listener.name)", "listener.address": "\(listener.address)"])
            }
            let (upstreams, freshUpstreams) = state.upstreams.adopt(compiled.clusters)
            self.askForNames(freshUpstreams)
            self.open.setLimit(config.maxConnections)
            let table = LiveTable(
                snapshot: ConfigSnapshot(generation: state.generation, config: config, upstreams: upstreams), compiled: compiled,
                bound: bound, upstreams: upstreams)
            state.table = table
            for (number, worker) in self.workers.enumerated() {
                let sockets = Dictionary(uniqueKeysWithValues: fresh.map { ($0.0, $0.1.descriptors[number]) })
                let posted = worker.mailbox.post(.adopt(table, sockets: sockets, done: { adopted.countDown() }))
                if !posted {
                    for fd in sockets.values { _ = cl_close(fd) }
                    adopted.countDown()
                }
            }
        }
        await adopted.wait()
        self.retired.free()
        return errors
    }

    /// Ends service without refusing anybody: keeps accepting for `grace`, then takes what is queued, closes the listeners,
    /// waits up to `deadline` for the connections to end and closes the rest with jitter. Returns when all are closed.
    /// The caller has turned readiness off before. Cancelling the task skips the waiting.
    package func drain(grace: Duration, deadline: Duration) async {
        self.logger.info("Draining: still accepting", metadata: ["drain.grace": "\(grace)", "connections": "\(self.counters.active)"])
        try? await Task.sleep(for: grace)
        self.state.withLock { $0.isAccepting = false }
        // A client that has our SYN-ACK believes that it is connected: its handshake gets the time to complete.
        await self.askAll { done in .ignoreNewConnections(done: done) }
        try? await Task.sleep(for: Self.handshakeTime)
        await self.askAll { done in .stopAccepting(done: done) }
        self.state.withLock { $0.listeners = [:] }
        self.logger.info(
            "Draining: listeners closed", metadata: ["drain.deadline": "\(deadline)", "connections": "\(self.counters.active)"])

        let empty = Countdown(self.workers.count)
        for worker in self.workers where !worker.mailbox.post(.whenEmpty { empty.countDown() }) { empty.countDown() }
        if await empty.wait(atMost: deadline) {
            self.logger.info("Drained: every connection ended by itself")
            return
        }
        let spread = min(.seconds(2), deadline / 10)
        self.logger.warning("Draining: closing leftovers", metadata: ["connections": "\(self.counters.active)"])
        for worker in self.workers { worker.mailbox.post(.closeLeftovers(spread: spread)) }
        // The TLS side closes what it has when told to; should it fail to, the process ends all the same.
        _ = await empty.wait(atMost: spread + .seconds(5))
    }

    /// Closes everything and ends the worker threads. Also ends a drain under way.
    package func stop() async {
        let isStarted = self.state.withLock { state in
            state.isAccepting = false
            state.listeners = [:]
            return state.isStarted
        }
        guard isStarted else { return }
        for worker in self.workers { worker.mailbox.post(.stop) }
        for worker in self.workers { await worker.ended.wait() }
    }

    package var boundListeners: [BoundListener] {
        self.state.withLock { $0.listeners.values.sorted { $0.name < $1.name } }
    }

    package func connections() async -> [OpenConnection] {
        await self.collect { reply in .inspectConnections(reply) }.flatMap { $0 }
    }

    /// What connections share, in the table's order.
    var upstreams: [UpstreamCluster] { self.state.withLock { $0.table?.upstreams ?? [] } }

    package func clusters() async -> [ClusterState] {
        let now = cl_monotonic_ns()
        return self.upstreams.map { ClusterState($0, self.resolver, now: now) }.sorted { $0.name < $1.name }
    }

    /// Now, so that the first connection finds the answer.
    private func askForNames(_ clusters: [UpstreamCluster]) {
        for cluster in clusters {
            for (place, endpoint) in cluster.endpoints.enumerated() where cluster.literal(place) == nil {
                _ = self.resolver.resolve(endpoint.address) { _ in }
            }
        }
    }

    /// Sum over the workers. Cheap: takes no lock and waits for nobody.
    package var counters: RelayCounters {
        var sum = RelayCounters()
        for worker in self.workers { worker.counters.merge(into: &sum) }
        return sum
    }

    private func askAll(_ message: (@escaping @Sendable () -> Void) -> WorkerMessage) async {
        let done = Countdown(self.workers.count)
        for worker in self.workers where !worker.mailbox.post(message { done.countDown() }) { done.countDown() }
        await done.wait()
    }

    private func collect<Answer: Sendable>(_ message: (@escaping @Sendable ([Answer]) -> Void) -> WorkerMessage) async -> [[Answer]] {
        let answers = Mutexed<[[Answer]]>([])
        let done = Countdown(self.workers.count)
        for worker in self.workers {
            let posted = worker.mailbox.post(
                message { answer in
                    answers.withLock { $0.append(answer) }
                    done.countDown()
                })
            if !posted { done.countDown() }
        }
        await done.wait()
        return answers.withLock { $0 }
    }
}
