import KubeAPI

/// One object as the garbage collector sees it.
struct OwnedObject: Hashable, Sendable {
    var type: ResourceType
    var key: ObjectKey
    var uid: String
    var owners: [OwnerReference]
    var isBeingDeleted: Bool
    var finalizers: [String]

    init(_ type: ResourceType, _ object: KubeObject) {
        let metadata = object.metadata
        self.type = type
        self.key = object.key
        self.uid = metadata.uid
        self.owners = metadata.ownerReferences
        self.isBeingDeleted = metadata.isBeingDeleted
        self.finalizers = metadata.finalizers
    }
}

/// Decides which objects have lost their owners.
enum OwnershipGraph {
    static let orphanFinalizer = "orphan"
    static let foregroundFinalizer = "foregroundDeletion"

    enum Action: Hashable, Sendable {
        /// Nobody in the caches has these uids. Caches may lag, so the API is asked for each owner before anything goes.
        case verify(OwnedObject, missing: [OwnerReference])
        /// The owner is being deleted without its children: they forget it.
        case release(OwnedObject, from: String)
        /// The owner waits for its children to go.
        case delete(OwnedObject)
        /// The children are dealt with: the owner may go.
        case removeFinalizer(OwnedObject, String)
    }

    static func actions(_ objects: [OwnedObject]) -> [Action] {
        let uids = Set(objects.map(\.uid))
        var children: [String: [OwnedObject]] = [:]
        var actions: [Action] = []
        for object in objects {
            for owner in object.owners { children[owner.uid, default: []].append(object) }
            let missing = object.owners.filter { !uids.contains($0.uid) }
            if !missing.isEmpty, !object.isBeingDeleted { actions.append(.verify(object, missing: missing)) }
        }
        for object in objects where object.isBeingDeleted {
            let own = children[object.uid] ?? []
            if object.finalizers.contains(Self.orphanFinalizer) {
                actions += own.map { .release($0, from: object.uid) }
                if own.isEmpty { actions.append(.removeFinalizer(object, Self.orphanFinalizer)) }
            } else if object.finalizers.contains(Self.foregroundFinalizer) {
                actions += own.filter { !$0.isBeingDeleted }.map { .delete($0) }
                let blocks = own.contains { child in child.owners.contains { $0.uid == object.uid && $0.blocksOwnerDeletion } }
                if !blocks { actions.append(.removeFinalizer(object, Self.foregroundFinalizer)) }
            }
        }
        return actions
    }

    enum Verdict: Hashable, Sendable {
        case keep
        case delete
        /// Some owners live on: the object stays theirs and forgets the others.
        case forget([OwnerReference])
    }

    /// - Parameter absent: those of the object's owners that the API says do not exist.
    static func verdict(_ object: OwnedObject, absent: Set<String>) -> Verdict {
        let gone = object.owners.filter { absent.contains($0.uid) }
        if gone.isEmpty { return .keep }
        return gone.count == object.owners.count ? .delete : .forget(gone)
    }
}
