import FoundationEssentials
import JSONModel
import KubeAPI
import KubeRuntime
import Logging
import Synchronization

/// Deletes what has lost its owners, and empties namespaces that are being deleted. Follows every kind the API serves,
/// custom ones as they come and go.
final class GarbageCollector: Sendable {
    private let world: NodeWorld
    private let followed = Mutex<[ResourceType: Follower]>([:])
    /// Uids of what we have deleted and the caches still show, perhaps without its deletion.
    private let deleted = Mutex<Set<String>>([])
    private let news: AsyncStream<Void>
    private let tell: AsyncStream<Void>.Continuation

    /// A cache of one kind. Finishing `stop` ends it.
    private struct Follower: Sendable {
        var cache: Informer
        var stop: AsyncStream<Never>.Continuation
    }

    init(_ world: NodeWorld) {
        self.world = world
        (self.news, self.tell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.followKinds() }
            for await _ in self.news {
                if await !self.collect() {
                    // Caches lag or the API is busy: look again without waiting for news.
                    group.addTask {
                        try? await Task.sleep(for: .seconds(1))
                        self.tell.yield()
                    }
                }
            }
            group.cancelAll()
        }
    }

    // MARK: Kinds

    private func followKinds() async {
        await withDiscardingTaskGroup { group in
            let (looks, look) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            look.yield()
            for await _ in looks {
                do throws(KubeError) {
                    self.follow(Set(try await Discovery.types(self.world.client)), &group) { look.yield() }
                } catch {
                    guard (try? await Task.sleep(for: .seconds(1))) != nil else { break }
                    look.yield()
                }
            }
            group.cancelAll()
        }
    }

    private func follow(_ types: Set<ResourceType>, _ group: inout DiscardingTaskGroup, kindsChanged: @escaping @Sendable () -> Void) {
        var started: [(Informer, AsyncStream<Never>)] = []
        self.followed.withLock { followed in
            for (type, follower) in followed where !types.contains(type) {
                follower.stop.finish()
                followed[type] = nil
            }
            for type in types where followed[type] == nil {
                let cache = Informer(type, client: self.world.client, logger: self.world.logger)
                let (end, stop) = AsyncStream.makeStream(of: Never.self)
                followed[type] = Follower(cache: cache, stop: stop)
                started.append((cache, end))
            }
        }
        for (cache, end) in started {
            let changes = cache.changes()
            group.addTask {
                await withDiscardingTaskGroup { group in
                    group.addTask { try? await cache.run() }
                    group.addTask {
                        for await _ in changes {
                            self.tell.yield()
                            if cache.type == .customResourceDefinitions { kindsChanged() }
                        }
                    }
                    for await _ in end {}
                    group.cancelAll()
                }
            }
        }
        self.tell.yield()
    }

    // MARK: Objects

    /// Returns whether everything there was to do is done.
    private func collect() async -> Bool {
        let caches = self.followed.withLock { $0.mapValues(\.cache) }
        guard !caches.isEmpty, caches.values.allSatisfy(\.isSynchronised) else { return false }
        let objects = caches.flatMap { type, cache in cache.snapshot.values.map { OwnedObject(type, $0) } }
        let present = Set(objects.map(\.uid))
        self.deleted.withLock { $0.formIntersection(present) }
        var isDone = true
        for action in OwnershipGraph.actions(objects) {
            do throws(KubeError) {
                if try await !self.perform(action, types: Set(caches.keys)) { isDone = false }
            } catch {
                // Gone already, or changed since: the caches are about to say so.
                if case .notFound = error { continue }
                isDone = false
            }
        }
        if let namespaces = caches[.namespaces] {
            for namespace in namespaces.snapshot.values where NamespaceEnd.isDue(namespace) {
                do throws(KubeError) {
                    try await self.empty(namespace, objects)
                } catch {
                    isDone = false
                }
            }
        }
        return isDone
    }

    private func perform(_ action: OwnershipGraph.Action, types: Set<ResourceType>) async throws(KubeError) -> Bool {
        switch action {
        case .verify(let object, let missing):
            var absent: Set<String> = []
            for owner in missing where try await self.isAbsent(owner, of: object, types) { absent.insert(owner.uid) }
            switch OwnershipGraph.verdict(object, absent: absent) {
            case .keep: return false
            case .delete:
                try await self.delete(
                    object, why: "its owner \(object.owners.map { "\($0.kind)/\($0.name)" }.joined(separator: ", ")) is gone")
            case .forget(let gone): try await self.forget(Set(gone.map(\.uid)), object)
            }
        case .release(let object, let owner): try await self.forget([owner], object)
        case .delete(let object): try await self.delete(object, why: "its owner is being deleted")
        case .removeFinalizer(let object, let finalizer):
            try await self.patch(object, ["finalizers": .array(object.finalizers.filter { $0 != finalizer }.map(JSON.string))])
        }
        return true
    }

    /// Asks the API, because a cache may not show an owner yet. A kind nobody serves proves nothing.
    private func isAbsent(_ owner: OwnerReference, of object: OwnedObject, _ types: Set<ResourceType>) async throws(KubeError) -> Bool {
        guard let type = types.first(where: { $0.kind == owner.kind && $0.apiVersion == owner.apiVersion }) else { return false }
        if type.isNamespaced, object.key.namespace == nil { return false }
        let found = try await self.world.client.find(type, owner.name, namespace: type.isNamespaced ? object.key.namespace : nil)
        return found?.metadata.uid != owner.uid
    }

    private func delete(_ object: OwnedObject, why: String) async throws(KubeError) {
        guard !self.deleted.withLock({ $0.contains(object.uid) }) else { return }
        let wasThere = try await self.world.client.delete(
            object.type, object.key.name, namespace: object.key.namespace, preconditions: .init(uid: object.uid))
        self.deleted.withLock { _ = $0.insert(object.uid) }
        guard wasThere else { return }
        self.world.logger.info(
            "object deleted", metadata: ["k8s.object": "\(object.type.kind)/\(object.key)", "reason": "\(why)"])
    }

    private func forget(_ owners: Set<String>, _ object: OwnedObject) async throws(KubeError) {
        let left = object.owners.filter { !owners.contains($0.uid) }
        try await self.patch(object, ["ownerReferences": .array(left.map(\.json))])
    }

    private func patch(_ object: OwnedObject, _ metadata: JSON) async throws(KubeError) {
        var metadata = metadata
        metadata["uid"] = JSON(object.uid)
        try await self.world.client.patch(
            .merge, object.type, object.key.name, namespace: object.key.namespace, body: ["metadata": metadata])
    }

    private func empty(_ namespace: KubeObject, _ objects: [OwnedObject]) async throws(KubeError) {
        let inside = objects.filter { $0.key.namespace == namespace.name }
        for object in inside where !object.isBeingDeleted { try await self.delete(object, why: "its namespace is being deleted") }
        guard inside.isEmpty else { return }
        try await self.world.client.replace(.namespaces, NamespaceEnd.finalized(namespace.typed(.namespaces)), subresource: "finalize")
    }
}

/// The last step of a namespace's deletion, where an API server leaves it to a controller.
enum NamespaceEnd {
    private static let finalizer: JSON = "kubernetes"

    static func isDue(_ namespace: KubeObject) -> Bool {
        namespace.metadata.isBeingDeleted && namespace.spec["finalizers"].elements.contains(Self.finalizer)
    }

    static func finalized(_ namespace: KubeObject) -> KubeObject {
        var finalized = namespace
        finalized["spec"]?["finalizers"] = .array(namespace.spec["finalizers"].elements.filter { $0 != Self.finalizer })
        return finalized
    }
}
