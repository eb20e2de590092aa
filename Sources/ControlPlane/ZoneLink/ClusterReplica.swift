import JSONModel
import KubeAPI
import MeshModel
import Planning
import Synchronization
import ZoneSync

/// A cluster keeps what came down as objects. What somebody edits is put back.
final class ClusterReplica: ReplicaKeeper {
    private struct Target: Hashable {
        var type: ResourceType
        var key: ObjectKey
    }

    /// What we did last and the caches may not have seen.
    private enum Echo {
        case wrote(KubeObject)
        case deleted(uid: String)
    }

    private let source: any WorldSource
    private let writer: any ClusterWriter
    private let form: ClusterForm
    private let echoes = Mutex<[Target: Echo]>([:])

    init(source: any WorldSource, writer: any ClusterWriter) {
        self.source = source
        self.writer = writer
        self.form = ClusterForm(namespace: source.namespace)
    }

    func changes() -> any AsyncSequence<Void, Never> & Sendable { self.source.changes() }

    var stamp: Int {
        ClusterForm.types.flatMap(self.objects).reduce(0) { $0 &+ Hasher.of($1.metadata.uid, $1.metadata.resourceVersion ?? "") }
    }

    func keep(_ wanted: [SharedItem]) async throws -> [String] {
        var objects: [SharedItem.ID: KubeObject] = [:]
        for object in ClusterForm.types.flatMap(self.objects) {
            if let item = self.form.item(object) { objects[item.id] = object }
        }
        let present = objects.compactMapValues { object in
            self.form.item(object).map { ReplicaPlan.Present($0, isReplica: ClusterForm.isReplica(object)) }
        }
        let aside = Set(objects.filter { ClusterForm.holdsSetAside($0.value) }.keys)
        let plan = ReplicaPlan(wanted: wanted, present: present, setAside: aside) { wanted, present in
            objects[present.id].map { self.isSame(wanted, $0) } ?? false
        }
        return try await self.carryOut(plan, objects) + plan.sentences
    }

    /// As the caches have it, or as we wrote it, whichever is newer.
    private func objects(_ type: ResourceType) -> [KubeObject] {
        var found = Dictionary(uniqueKeysWithValues: self.source.objects(type).map { ($0.key, $0) })
        self.echoes.withLock { echoes in
            for (target, echo) in echoes where target.type == type {
                let cached = found[target.key]
                switch echo {
                case .wrote(let object):
                    if Self.version(cached) >= Self.version(object) { echoes[target] = nil } else { found[target.key] = object }
                case .deleted(let uid):
                    if let cached, cached.metadata.uid == uid { found[target.key] = nil } else { echoes[target] = nil }
                }
            }
        }
        return Array(found.values)
    }

    private static func version(_ object: KubeObject?) -> UInt64 { object?.metadata.resourceVersion.flatMap(UInt64.init) ?? 0 }

    /// The object says that it was made from this item, and nobody has changed what of it was set since: servers add fields, and
    /// what a person added goes with the next change.
    private func isSame(_ wanted: SharedItem, _ object: KubeObject) -> Bool {
        guard let made = self.form.object(wanted) else { return true }
        return object.metadata.annotations[ClusterForm.contentAnnotation] == wanted.fingerprint
            && made.metadata.labels.allSatisfy { object.metadata.labels[$0.key] == $0.value } && made["mesh"] == object["mesh"]
            && made["type"] == object["type"] && Difference.of(made.spec, object.spec) == nil
            && Difference.of(made["data"] ?? [:], object["data"]) == nil
    }

    private func carryOut(_ plan: ReplicaPlan, _ objects: [SharedItem.ID: KubeObject]) async throws -> [String] {
        var problems: [String] = []
        var settingAside: Set<SharedItem.ID> = []
        let restored = Set(plan.changes.compactMap { if case .restore(let id) = $0 { id } else { nil } })
        for change in plan.changes {
            do throws(KubeError) {
                switch change {
                case .setAside(let id): settingAside.insert(id)
                case .write(let item):
                    try await self.write(item, over: objects[item.id], settingAside: settingAside.contains(item.id))
                case .delete(let id): if let object = objects[id], !restored.contains(id) { try await self.delete(id, object) }
                case .restore(let id): if let object = objects[id] { try await self.restore(id, object) }
                }
            } catch {
                switch error {
                case .invalid, .forbidden, .alreadyExists: problems.append("\(change.id) cannot be written to the cluster: \(error)")
                case .cancelled: throw CancellationError()
                default: throw error
                }
            }
        }
        return problems
    }

    private func write(_ item: SharedItem, over before: KubeObject?, settingAside: Bool) async throws(KubeError) {
        guard let (type, _) = self.form.place(of: item.id), let wanted = self.form.object(item) else { return }
        let written =
            if let before {
                try await self.writer.replace(type, ClusterForm.replacing(before, by: wanted, settingAside: settingAside))
            } else {
                try await self.writer.create(type, wanted)
            }
        self.remember(type, .wrote(written), written.key)
    }

    private func restore(_ id: SharedItem.ID, _ replica: KubeObject) async throws(KubeError) {
        guard let (type, _) = self.form.place(of: id), let object = ClusterForm.restored(replica) else { return }
        self.remember(type, .wrote(try await self.writer.replace(type, object)), object.key)
    }

    private func delete(_ id: SharedItem.ID, _ object: KubeObject) async throws(KubeError) {
        guard let (type, key) = self.form.place(of: id) else { return }
        _ = try await self.writer.delete(type, key, uid: object.metadata.uid)
        self.remember(type, .deleted(uid: object.metadata.uid), key)
    }

    private func remember(_ type: ResourceType, _ echo: Echo, _ key: ObjectKey) {
        self.echoes.withLock { $0[Target(type: type, key: key)] = echo }
    }
}
