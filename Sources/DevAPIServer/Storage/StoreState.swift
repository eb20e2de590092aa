import DequeModule
import JSONModel

/// Where an object lives. `resource` is the qualified plural (`deployments.apps`); cluster objects have an empty namespace.
struct ObjectKey: Hashable, Comparable, Sendable {
    var resource: String
    var namespace: String
    var name: String

    static func < (left: Self, right: Self) -> Bool {
        (left.resource, left.namespace, left.name) < (right.resource, right.namespace, right.name)
    }
}

/// One write, as watchers see it.
struct Change: Sendable {
    enum Form: String, Sendable { case added = "ADDED", modified = "MODIFIED", deleted = "DELETED" }

    let revision: Int
    let key: ObjectKey
    let form: Form
    /// The object after the change; for a deletion its last state, carrying the deletion's revision.
    let object: JSON
    let previous: JSON?
}

/// Objects, the one revision counter and a bounded history. A value: the lock is `Store`'s.
struct StoreState: Sendable {
    private(set) var revision: Int
    private var objects: [String: [ObjectKey: JSON]] = [:]
    private var history: Deque<Change> = []
    private let historyLimit: Int
    /// Changes up to this revision can no longer be replayed.
    private(set) var forgottenThrough: Int

    init(revision: Int, historyLimit: Int) {
        self.revision = revision
        self.historyLimit = historyLimit
        self.forgottenThrough = revision
    }

    func object(_ key: ObjectKey) -> JSON? { self.objects[key.resource]?[key] }

    /// In order of namespace and name, as etcd's keys sort.
    func list(_ resource: String, namespace: String?) -> [(key: ObjectKey, object: JSON)] {
        var found: [(key: ObjectKey, object: JSON)] = []
        for (key, object) in self.objects[resource] ?? [:] where namespace == nil || key.namespace == namespace {
            found.append((key, object))
        }
        return found.sorted { $0.key < $1.key }
    }

    /// The list as it was at an earlier revision; nil when the history does not reach back that far.
    func list(_ resource: String, namespace: String?, at revision: Int) -> [(key: ObjectKey, object: JSON)]? {
        guard revision >= self.forgottenThrough else { return nil }
        var objects = self.objects[resource] ?? [:]
        for change in self.history.reversed() {
            guard change.revision > revision else { break }
            if change.key.resource == resource { objects[change.key] = change.previous }
        }
        return objects.filter { namespace == nil || $0.key.namespace == namespace }.sorted { $0.key < $1.key }
            .map { (key: $0.key, object: $0.value) }
    }

    var keys: [ObjectKey] { self.objects.values.flatMap(\.keys) }

    /// Writes (or with nil deletes) one object under the next revision.
    mutating func write(_ object: JSON?, at key: ObjectKey) -> Change? {
        let previous = self.objects[key.resource]?[key]
        guard object != nil || previous != nil else { return nil }
        self.revision += 1
        var stored = object ?? previous ?? .null
        stored.set(["metadata", "resourceVersion"], to: JSON(String(self.revision)))
        self.objects[key.resource, default: [:]][key] = object == nil ? .none : stored
        let form: Change.Form = object == nil ? .deleted : previous == nil ? .added : .modified
        let change = Change(revision: self.revision, key: key, form: form, object: stored, previous: previous)
        self.history.append(change)
        while self.history.count > self.historyLimit, let oldest = self.history.popFirst() {
            self.forgottenThrough = oldest.revision
        }
        return change
    }

    /// Changes of a resource after a revision; nil when some of them are forgotten.
    func changes(of resource: String, namespace: String?, after revision: Int) -> [Change]? {
        guard revision >= self.forgottenThrough else { return nil }
        return self.history.filter {
            $0.revision > revision && $0.key.resource == resource && (namespace == nil || $0.key.namespace == namespace)
        }
    }

    mutating func forgetHistory() {
        self.history.removeAll()
        self.forgottenThrough = self.revision
    }
}
