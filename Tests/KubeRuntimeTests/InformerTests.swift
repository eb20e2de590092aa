import JSONModel
import KubeAPI
import KubeRuntime
import Logging
import TestServer
import Testing

@Suite("Informer against a scripted server", .serialized, .timeLimit(.minutes(1)))
struct InformerTests {
    private typealias Script = WatchScript

    private func follow(
        _ steps: [WatchScript.Step], timing: Informer.Timing = .init(backoff: Backoff(base: .milliseconds(1), cap: .milliseconds(5))),
        _ body: (Informer, ScriptedServer) async throws -> Void
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let script = WatchScript(steps)
        try await ScriptedServer.with(script: script.script) { [logger] server in
            let client = KubeClient(ClusterConfig(server: server.url), userAgent: "t", logger: logger)
            let informer = Informer(.pods, client: client, namespace: "n", pageSize: 2, timing: timing, logger: logger)
            try await withThrowingTaskGroup { group in
                group.addTask { try await informer.run() }
                try await body(informer, server)
                group.cancelAll()
            }
        }
    }

    @Test("Pages fill the cache at once, events change it, and bookmarks move the position for the next watch")
    func wholeLife() async throws {
        try await self.follow([
            ("limit=2", Script.page([Script.pod("a", 1), Script.pod("b", 2)], version: 5, next: "t1")),
            ("limit=2&continue=t1", Script.page([Script.pod("c", 3)], version: 5)),
            (
                "watch=true&resourceVersion=5",
                Script.watch(
                    [
                        Script.event("ADDED", Script.pod("d", 6)), Script.event("MODIFIED", Script.pod("a", 7)),
                        Script.event("DELETED", Script.pod("b", 8)), Script.bookmark(20),
                    ], end: .closed)
            ),
            ("watch=true&resourceVersion=20", Script.watch([Script.event("ADDED", Script.pod("e", 21))], end: .silence)),
        ]) { informer, server in
            #expect(!informer.isSynchronised && informer.snapshot.isEmpty)
            try await informer.waitUntilSynchronised()
            await informer.holds(["a": "7", "c": "3", "d": "6", "e": "21"])
            #expect(informer.object(ObjectKey(namespace: "n", name: "d"))?.kind == "Pod")
            #expect(server.lines.filter { !$0.contains("watch=true") }.count == 2, "no list after the first")
        }
    }

    @Test("A cut within an event loses nothing: the watch resumes at the last whole event")
    func cut() async throws {
        let event = Script.event("ADDED", Script.pod("b", 7))
        try await self.follow([
            ("limit=2", Script.page([], version: 5)),
            (
                "watch=true&resourceVersion=5",
                Script.watch([Script.event("ADDED", Script.pod("a", 6)), String(event.prefix(20))], end: .cut)
            ),
            ("watch=true&resourceVersion=6", Script.watch([String(event.prefix(20))], end: .closed)),
            ("watch=true&resourceVersion=6", Script.watch([String(event.prefix(20)), String(event.dropFirst(20))], end: .silence)),
        ]) { informer, _ in await informer.holds(["a": "6", "b": "7"]) }
    }

    @Test("Garbage and errors keep the position")
    func garbage() async throws {
        try await self.follow([
            ("limit=2", Script.page([Script.pod("a", 1)], version: 5)),
            ("watch=true&resourceVersion=5", Script.watch([Script.bookmark(6), "<html>oops</html>\n"], end: .silence)),
            ("watch=true&resourceVersion=6", { try await $0.answer(500, "boom") }),
            ("watch=true&resourceVersion=6", Script.watch([Script.event("ERROR", Script.status(500, "InternalError"))], end: .silence)),
            ("watch=true&resourceVersion=6", Script.watch([Script.event("ADDED", Script.pod("b", 7))], end: .silence)),
        ]) { informer, _ in await informer.holds(["a": "1", "b": "7"]) }
    }

    @Test(
        "A forgotten position lists again, and what vanished meanwhile leaves the cache; half a list is never seen",
        arguments: [true, false])
    func gone(withinTheWatch: Bool) async throws {
        let expired = Script.status(410, "Expired")
        let refuse: @Sendable (ScriptedServer.Reply) async throws -> Void = { try await $0.answer(json: expired, status: 410) }
        let endWithin = Script.watch([Script.event("ERROR", expired)], end: .silence)
        try await self.follow([
            ("limit=2", Script.page([Script.pod("a", 1), Script.pod("b", 2)], version: 5)),
            ("watch=true&resourceVersion=5", withinTheWatch ? endWithin : refuse),
            ("limit=2", Script.page([Script.pod("a", 9)], version: 10, next: "t1")),
            ("limit=2&continue=t1", refuse),
            ("limit=2", Script.page([Script.pod("c", 11)], version: 12)),
            ("watch=true&resourceVersion=12", Script.watch([], end: .silence)),
        ]) { informer, _ in
            try await informer.waitUntilSynchronised()
            for await batch in informer.changes() where informer.content != ["a": "1", "b": "2"] {
                #expect(informer.content == ["c": "11"])
                #expect(batch == [CacheChange(type: .pods, keys: Set(["a", "b", "c"].map { ObjectKey(namespace: "n", name: $0) }))])
                break
            }
        }
    }

    @Test("A silent watch is dead after its time and is opened again from its position")
    func silence() async throws {
        let timing = Informer.Timing(watch: .seconds(1), grace: .seconds(1), backoff: Backoff(base: .milliseconds(1)))
        try await self.follow(
            [
                ("limit=2", Script.page([], version: 5)),
                ("watch=true&resourceVersion=5", Script.watch([Script.bookmark(6)], end: .silence)),
                ("watch=true&resourceVersion=6", { try await $0.silence() }),
                ("watch=true&resourceVersion=6", Script.watch([Script.event("ADDED", Script.pod("a", 7))], end: .silence)),
            ], timing: timing
        ) { informer, _ in await informer.holds(["a": "7"]) }
    }

    @Test("A server that is not there yet is asked until it is")
    func lateServer() async throws {
        try await self.follow([
            ("limit=2", { try await $0.cut() }), ("limit=2", { try await $0.answer(json: Script.status(403, "Forbidden"), status: 403) }),
            ("limit=2", Script.page([Script.pod("a", 1)], version: 5)),
        ]) { informer, _ in
            try await informer.waitUntilSynchronised()
            #expect(informer.content == ["a": "1"])
        }
    }

    @Test("Waiting for a cache ends with its task")
    func cancelledWait() async throws {
        try await self.follow([("limit=2", { try await $0.silence() })]) { informer, _ in
            await withTaskGroup { group in
                group.addTask { await #expect(throws: CancellationError.self) { try await informer.waitUntilSynchronised() } }
                group.cancelAll()
            }
        }
    }

    @Test("Changes merge while nobody reads")
    func merging() async throws {
        try await self.follow([
            ("limit=2", Script.page([], version: 5)),
            (
                "watch=true&resourceVersion=5",
                Script.watch(
                    (6..<40).map { Script.event("MODIFIED", Script.pod("a", $0)) } + [Script.event("ADDED", Script.pod("z", 40))],
                    end: .silence)
            ),
        ]) { informer, _ in
            let feed = informer.changes()
            await informer.holds(["a": "39", "z": "40"])
            var iterator = feed.makeAsyncIterator()
            let keys = Set(["a", "z"].map { ObjectKey(namespace: "n", name: $0) })
            #expect(await iterator.next() == [CacheChange(type: .pods, keys: keys)])
        }
    }
}
