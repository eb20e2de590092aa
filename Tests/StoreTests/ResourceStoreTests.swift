import FoundationEssentials
import JSONModel
import Store
import Testing

@Suite("Resource store")
struct ResourceStoreTests {
    private let folder = Folder()
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func open(_ name: String = "egret.db") throws -> ResourceStore { try ResourceStore(file: self.folder.path + "/" + name) }

    private func mesh(_ name: String) -> ResourceID { ResourceID(kind: "Mesh", name: name) }

    @Test("What was put is there, in this process and the next")
    func durable() throws {
        let spec: JSON = ["mtls": ["enabledBackend": "ca-1"], "number": 3, "none": nil]
        do {
            let store = try self.open()
            let (resource, isNew) = try store.write { try $0.put(self.mesh("default"), labels: ["a": "b"], spec: spec, now: self.now) }
            #expect(isNew && resource.version == 1 && resource.created == self.now)
        }
        let store = try self.open()
        let resource = try #require(store[self.mesh("default")])
        #expect(resource.spec == spec && resource.labels == ["a": "b"] && resource.version == 1 && resource.modified == self.now)
    }

    @Test("A copy of the files taken at any moment holds every write that was answered")
    func crash() throws {
        let store = try self.open()
        for number in 1...40 {
            try store.write { try $0.put(self.mesh("m\(number)"), spec: ["n": JSON(number)], now: self.now) }
            // What the disk holds when the process is killed here.
            let copy = Folder()
            for suffix in ["", "-wal"] {
                try FileManager.default.copyItem(
                    atPath: "\(self.folder.path)/egret.db\(suffix)", toPath: "\(copy.path)/egret.db\(suffix)")
            }
            #expect(try ResourceStore(file: copy.path + "/egret.db").list(kind: "Mesh").count == number)
        }
    }

    @Test("Equal content is no write; a change keeps the time of creation and moves the version")
    func versions() throws {
        let store = try self.open()
        try store.write { try $0.put(self.mesh("a"), spec: [:], now: self.now) }
        let same = try store.write { try $0.put(self.mesh("a"), spec: [:], now: self.now + 5) }
        #expect(same.resource.version == 1 && same.resource.modified == self.now && !same.isNew)
        let changed = try store.write { try $0.put(self.mesh("a"), spec: ["x": 1], now: self.now + 5) }
        #expect(changed.resource.version == 2 && changed.resource.created == self.now && changed.resource.modified == self.now + 5)
    }

    @Test("What is said about a resource is kept beside it, and outlives a change of it")
    func status() throws {
        do {
            let store = try self.open()
            try store.write { try $0.put(self.mesh("a"), spec: [:], now: self.now) }
            #expect(try store.write { try $0.putStatus(self.mesh("a"), ["ready": true]) })
            #expect(try store.write { try $0.putStatus(self.mesh("a"), ["ready": true]) } == false)
            #expect(try store.write { try $0.putStatus(self.mesh("nobody"), [:]) } == false)
            #expect(store[self.mesh("a")]?.version == 1)
            try store.write { try $0.put(self.mesh("a"), spec: ["x": 1], now: self.now) }
        }
        #expect(try self.open()[self.mesh("a")]?.status == ["ready": true])
    }

    @Test("A write under an expectation that does not hold changes nothing")
    func expectations() throws {
        let store = try self.open()
        try store.write { try $0.put(self.mesh("a"), spec: [:], now: self.now) }
        func attempt(_ expecting: Precondition, _ name: String) -> StoreError.Reason? {
            do {
                try store.write { transaction in
                    try transaction.put(self.mesh("other"), spec: [:], now: self.now)
                    try transaction.put(self.mesh(name), spec: ["x": 1], now: self.now, expecting: expecting)
                }
                return nil
            } catch {
                return (error as? StoreError)?.reason
            }
        }
        #expect(attempt(.absent, "a") == .exists)
        #expect(attempt(.version(7), "a") == .conflict)
        #expect(attempt(.version(1), "b") == .notFound)
        // The transaction's first half went with the second.
        #expect(store.list().map(\.id.name) == ["a"])
        #expect(attempt(.version(1), "a") == nil)
    }

    @Test("Resources of one name in two meshes are two; lists are in the order of ids")
    func lists() throws {
        let store = try self.open()
        try store.write { transaction in
            for id in [
                ResourceID(kind: "Dataplane", mesh: "b", name: "web"), ResourceID(kind: "Dataplane", mesh: "a", name: "web"),
                self.mesh("a"),
            ] { try transaction.put(id, spec: ["of": .string(id.mesh)], now: self.now) }
        }
        #expect(store.list(kind: "Dataplane").map(\.id.mesh) == ["a", "b"])
        #expect(store.list().count == 3)
        let removed = try store.write { try $0.delete(ResourceID(kind: "Dataplane", mesh: "a", name: "web")) }
        #expect(removed?.spec == ["of": "a"])
        #expect(try store.write { try $0.delete(ResourceID(kind: "Dataplane", mesh: "a", name: "web")) } == nil)
        #expect(store.list(kind: "Dataplane").map(\.id.mesh) == ["b"])
    }

    @Test("A watcher hears of every change, and of nothing when nothing changed")
    func watching() async throws {
        let store = try self.open()
        var changes = store.changes().makeAsyncIterator()
        try store.write { try $0.put(self.mesh("a"), spec: [:], now: self.now) }
        #expect(await changes.next() != nil)
        try store.write { try $0.put(self.mesh("a"), spec: [:], now: self.now) }
        try store.write { _ = try $0.delete(self.mesh("nobody")) }
        try store.write { try $0.put(self.mesh("b"), spec: [:], now: self.now) }
        #expect(await changes.next() != nil)
        #expect(store.list().count == 2)
    }

    @Test("The second to open a file is told that it is in use")
    func inUse() throws {
        let first = try self.open()
        try first.write { try $0.put(self.mesh("a"), spec: [:], now: self.now) }
        #expect { _ = try self.open() } throws: { "\($0)".contains("in use by another process") }
        #expect(first.list().count == 1)
    }

    @Test("A path that cannot be used is named with the way out")
    func unusable() throws {
        let note = self.folder.path + "/note.txt"
        try Data("This is no database, however long one reads it, and it is longer than a header.".utf8).write(to: URL(filePath: note))
        #expect { _ = try ResourceStore(file: note) } throws: { "\($0)".contains("not a SQLite file") && "\($0)".contains(note) }
        #expect(throws: StoreError.self) { _ = try ResourceStore(file: self.folder.path + "/absent/egret.db") }
    }
}

/// A folder of its own, gone with its owner.
private final class Folder: Sendable {
    let path = FileManager.default.temporaryDirectory.path + "/egret-store-\(UUID().uuidString)"

    init() { try? FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }
}
