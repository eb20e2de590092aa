import JSONModel
import Testing

@testable import DevAPIServer

@Suite("Watches of the store")
struct StoreWatchTests {
    private func key(_ name: String) -> ObjectKey { ObjectKey(resource: "configmaps", namespace: "default", name: name) }

    // A cancelled task runs termination handlers under the task's own lock, which a write that wakes the watcher waits for:
    // a handler that took the store's lock stopped the whole server.
    @Test("Cancelling watches while others write blocks nobody", .timeLimit(.minutes(1)))
    func cancelledWatches() async throws {
        let store = Store()
        for round in 0..<200 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    let watch = try #require(store.watch("configmaps", namespace: nil, from: .now))
                    group.addTask {
                        defer { store.end(watch) }
                        for await _ in watch.signals {}
                    }
                }
                group.addTask {
                    for write in 0..<20 {
                        try store.transact {
                            _ = $0.put(["metadata": ["name": "a"], "data": JSON(round * 100 + write)], at: self.key("a"))
                        }
                    }
                }
                try await group.next()
                group.cancelAll()
            }
        }
        #expect(store.watcherCount == 0)
    }

    @Test("A watch that nobody reads is forgotten at the next write")
    func abandonedWatch() throws {
        let store = Store()
        _ = store.watch("configmaps", namespace: nil, from: .now)
        #expect(store.watcherCount == 1)
        try store.transact { _ = $0.put(["metadata": ["name": "a"]], at: self.key("a")) }
        #expect(store.watcherCount == 0)
    }
}
