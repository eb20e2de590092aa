import JSONModel
import KubeAPI
import KubeRuntime
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry
import TestServer
import Testing

@Suite("Reconcile loop", .timeLimit(.minutes(1)))
struct ReconcileLoopTests {
    private typealias Script = WatchScript

    /// Runs a loop over pods; `reconciled` gets every key as its reconcile starts.
    private func withLoop(
        _ steps: [WatchScript.Step], workers: Int = 1, metrics: ReconcileMetrics? = nil,
        reconcile: @escaping @Sendable (String) async -> ReconcileOutcome,
        _ body: (ReconcileLoop<String>, Informer) async throws -> Void
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let script = WatchScript(steps)
        try await ScriptedServer.with(script: script.script) { [logger] server in
            let client = KubeClient(ClusterConfig(server: server.url), userAgent: "t", logger: logger)
            let group = InformerGroup([Informer(.pods, client: client, namespace: "n", pageSize: 2, logger: logger)])
            let loop = ReconcileLoop<String>(
                name: "test", informers: group, workers: workers, backoff: Backoff(base: .milliseconds(2), cap: .milliseconds(10)),
                metrics: metrics, logger: logger, keys: { $0.keys.map(\.name) }, reconcile: reconcile)
            try await withThrowingTaskGroup { tasks in
                tasks.addTask { try await group.run() }
                tasks.addTask { try await loop.run() }
                try await body(loop, group[.pods])
                tasks.cancelAll()
            }
        }
    }

    @Test("Nothing is reconciled before the caches are full; then every object once, and changes as they come")
    func startAndChanges() async throws {
        let (starts, started) = AsyncStream.makeStream(of: String.self)
        let (listing, goOn) = AsyncStream.makeStream(of: Void.self)
        let (watching, send) = AsyncStream.makeStream(of: Void.self)
        let cache = Mutex<Informer?>(nil)
        try await self.withLoop(
            [
                ("limit=2", Script.page([Script.pod("a", 1)], version: 5, next: "t")),
                (
                    "limit=2&continue=t",
                    { reply in
                        for await _ in listing { break }
                        try await Script.page([Script.pod("b", 2)], version: 5)(reply)
                    }
                ),
                (
                    "watch=true&resourceVersion=5",
                    { reply in
                        try await reply.start()
                        for await _ in watching { break }
                        try await reply.send(Script.event("MODIFIED", Script.pod("b", 6)))
                        try await reply.silence()
                    }
                ),
            ],
            reconcile: { key in
                let pod = cache.withLock { $0 }?.snapshot[ObjectKey(namespace: "n", name: key)]
                started.yield("\(key) \(pod?.metadata.resourceVersion ?? "-")")
                return .done
            }
        ) { loop, informer in
            cache.withLock { $0 = informer }
            var iterator = starts.makeAsyncIterator()
            loop.enqueue("outside")
            #expect(!informer.isSynchronised)
            goOn.yield()
            // A key may come twice: by the first look, and by the change that filled the cache.
            var first: Set<String> = []
            while first.count < 3 { first.insert(await iterator.next() ?? "") }
            #expect(first == ["outside -", "a 1", "b 2"])
            send.yield()
            var next = first.first
            while let key = next, first.contains(key) { next = await iterator.next() }
            #expect(next == "b 6")
        }
    }

    @Test("A failing key comes back by itself, one that needs a person only with the next change")
    func failures() async throws {
        let (starts, started) = AsyncStream.makeStream(of: String.self)
        let attempts = Mutex<[String: Int]>([:])
        let registry = MetricsRegistry()
        try await self.withLoop(
            [("limit=2", Script.page([], version: 5))], metrics: ReconcileMetrics(registry),
            reconcile: { key in
                let attempt = attempts.withLock { attempts in
                    attempts[key, default: 0] += 1
                    return attempts[key] ?? 0
                }
                started.yield("\(key)\(attempt)")
                switch (key, attempt) {
                case ("transient", ..<4): return .failed(.transient(cause: "x"))
                case ("waiting", 1): return .failed(.waiting(for: "y", retryAfter: .milliseconds(1)))
                case ("again", 1): return .again(after: .milliseconds(1))
                case ("person", 1): return .failed(.needsPerson(reason: "z"))
                default: return .done
                }
            }
        ) { loop, _ in
            for key in ["person", "transient", "waiting", "again"] { loop.enqueue(key) }
            var seen: [String] = []
            var iterator = starts.makeAsyncIterator()
            while seen.count < 9, let next = await iterator.next() { seen.append(next) }
            #expect(
                Set(seen) == [
                    "person1", "transient1", "transient2", "transient3", "transient4", "waiting1", "waiting2", "again1", "again2",
                ])
            loop.enqueue("person")
            #expect(await iterator.next() == "person2")
        }
        let text = registry.render()
        #expect(text.contains("controller_runtime_reconcile_total{controller=\"test\",result=\"requeue_after\"} 1"))
        #expect(text.contains("controller_runtime_reconcile_errors_total{controller=\"test\"} 5"))
    }

    @Test("Workers run side by side, but never two on one key, and news during work is worked on afterwards")
    func exclusive() async throws {
        let running = Mutex<[String: Int]>([:])
        let most = Mutex(0)
        let total = Mutex(0)
        let (ends, ended) = AsyncStream.makeStream(of: Int.self)
        try await self.withLoop(
            [("limit=2", Script.page([], version: 5))], workers: 3,
            reconcile: { key in
                let now = running.withLock { running in
                    running[key, default: 0] += 1
                    return (running[key] ?? 0, running.values.reduce(0, +))
                }
                #expect(now.0 == 1)
                most.withLock { $0 = max($0, now.1) }
                for _ in 0..<50 { await Task.yield() }
                running.withLock { $0[key, default: 0] -= 1 }
                ended.yield(
                    total.withLock {
                        $0 += 1
                        return $0
                    })
                return .done
            }
        ) { loop, informer in
            try await informer.waitUntilSynchronised()
            for round in 0..<200 {
                loop.enqueue("k\(round % 5)")
                await Task.yield()
            }
            loop.enqueue("last")
            for await count in ends where count >= 6 && running.withLock({ $0["last"] != nil }) { break }
            #expect(most.withLock { $0 } <= 3)
        }
    }

    @Test("A graceful shutdown lets the running reconcile finish and takes no more keys")
    func softStop() async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let (starts, started) = AsyncStream.makeStream(of: String.self)
        let finished = Mutex<[String]>([])
        let loop = ReconcileLoop<String>(name: "test", informers: InformerGroup([]), logger: logger, keys: { _ in [] }) { key in
            started.yield(key)
            // The loop heard of the shutdown before us: it listens longer.
            do { try await gracefulShutdown() } catch { Issue.record("the reconcile was cancelled") }
            finished.withLock { $0.append(key) }
            #expect(!Task.isCancelled)
            return .done
        }
        let services = ServiceGroup(
            configuration: .init(services: [.init(service: loop, successTerminationBehavior: .ignore)], logger: logger))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await services.run() }
            var iterator = starts.makeAsyncIterator()
            loop.enqueue("one")
            #expect(await iterator.next() == "one")
            loop.enqueue("two")
            await services.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        #expect(finished.withLock { $0 } == ["one"])
    }
}
