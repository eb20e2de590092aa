import JSONModel
import Testing

@testable import DevAPIServer

@Suite struct StoreTests {
    private let key = ObjectKey(resource: "configmaps", namespace: "n", name: "a")

    private func put(_ store: Store, _ name: String, _ value: JSON = "x") throws {
        try store.transact { _ = $0.put(["data": value], at: ObjectKey(resource: "configmaps", namespace: "n", name: name)) }
    }

    @Test("every write takes the next revision and carries it in the object")
    func revisions() throws {
        let store = Store(revision: 10)
        try self.put(store, "a")
        try self.put(store, "b")
        try self.put(store, "a", "y")
        #expect(store.revision == 13)
        #expect(store.object(self.key)?.meta("resourceVersion") == "13")
    }

    @Test("a transaction that throws writes nothing, a dry one neither")
    func allOrNothing() throws {
        struct Stop: Error {}
        let store = Store()
        #expect(throws: Stop.self) {
            try store.transact { transaction in
                _ = transaction.put([:], at: self.key)
                throw Stop()
            }
        }
        try store.transact(isDry: true) { _ = $0.put([:], at: self.key) }
        #expect(store.object(self.key) == nil)
        #expect(store.revision == 1)
    }

    @Test("a transaction reads what it wrote itself")
    func readsOwnWrites() throws {
        let store = Store()
        try store.transact { transaction in
            _ = transaction.put(["v": 1], at: self.key)
            #expect(transaction.object(self.key)?["v"] == 1)
            #expect(transaction.list("configmaps").count == 1)
            transaction.delete(self.key)
            #expect(transaction.object(self.key) == nil)
            #expect(transaction.list("configmaps").isEmpty)
        }
        #expect(store.object(self.key) == nil)
    }

    @Test("a watch resumes with what it missed, in order, deletions with the deletion's revision")
    func resume() async throws {
        let store = Store(revision: 1)
        try self.put(store, "a")
        try self.put(store, "b")
        try store.transact { $0.delete(self.key) }
        let watch = try #require(store.watch("configmaps", namespace: nil, from: .after(2)))
        var signals = watch.signals.makeAsyncIterator()
        guard case .change(let first)? = await signals.next(), case .change(let second)? = await signals.next() else {
            Issue.record("two changes were missed")
            return
        }
        #expect(first.form == .added && first.key.name == "b" && first.revision == 3)
        #expect(second.form == .deleted && second.object.meta("resourceVersion") == "4")
    }

    @Test("a revision behind the kept history cannot be resumed")
    func forgotten() throws {
        let store = Store(revision: 1, historyLimit: 2)
        for name in ["a", "b", "c"] { try self.put(store, name) }
        #expect(store.watch("configmaps", namespace: nil, from: .after(1)) == nil)
        #expect(store.watch("configmaps", namespace: nil, from: .after(2)) != nil)
    }

    @Test("a bookmark stands behind every change before it")
    func bookmark() async throws {
        let store = Store(revision: 1)
        let watch = try #require(store.watch("configmaps", namespace: "n", from: .now))
        try self.put(store, "a")
        store.bookmark(watch)
        var signals = watch.signals.makeAsyncIterator()
        guard case .change? = await signals.next(), case .bookmark(let revision)? = await signals.next() else {
            Issue.record("a change, then a bookmark")
            return
        }
        #expect(revision == 2)
    }

    @Test("closing ends watches")
    func close() async throws {
        let store = Store()
        let watch = try #require(store.watch("configmaps", namespace: nil, from: .now))
        store.close()
        for await _ in watch.signals {}
        #expect(store.watcherCount == 0)
    }
}

@Suite struct SelectorTests {
    private let object: JSON = ["metadata": ["name": "x", "labels": ["a": "1", "b": "2"]], "status": ["phase": "Running"]]

    @Test(
        "label selectors",
        arguments: [
            ("a=1", true), ("a==1,b=2", true), ("a!=1", false), ("c!=1", true), ("a in (1,3),b notin (3)", true), ("a", true),
            ("!a", false),
            ("!c", true), ("a=1,c", false), ("", true),
        ])
    func labels(text: String, matches: Bool) throws {
        #expect(try LabelSelector(text).matches(self.object) == matches)
    }

    @Test(
        "field selectors",
        arguments: [("metadata.name=x", true), ("metadata.name!=x", false), ("status.phase==Running", true), ("spec.nodeName=", true)])
    func fields(text: String, matches: Bool) throws {
        #expect(try FieldSelector(text).matches(self.object) == matches)
    }

    @Test("nonsense is refused", arguments: ["a b", "a between (1)"])
    func nonsense(text: String) { #expect(throws: LabelSelector.Invalid.self) { try LabelSelector(text) } }
}
