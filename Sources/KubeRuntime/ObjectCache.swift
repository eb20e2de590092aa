internal import KubeAPI
private import Synchronization

/// The objects of one collection as of now. One writer (the informer), many readers.
final class ObjectCache: Sendable {
    private struct Listener {
        weak var mailbox: ChangeMailbox?
    }

    private struct State {
        var objects: [ObjectKey: KubeObject] = [:]
        /// A list being read, kept apart until it is whole: readers never see half a list.
        var incoming: [ObjectKey: KubeObject] = [:]
        var listeners: [Listener] = []
    }

    let type: ResourceType
    let synchronised = Gate()
    private let state = Mutex(State())
    private let transform: @Sendable (inout KubeObject) -> Void

    init(_ type: ResourceType, transform: @escaping @Sendable (inout KubeObject) -> Void) {
        self.type = type
        self.transform = transform
    }

    var snapshot: [ObjectKey: KubeObject] { self.state.withLock { $0.objects } }

    func object(_ key: ObjectKey) -> KubeObject? { self.state.withLock { $0.objects[key] } }

    func attach(_ mailbox: ChangeMailbox) {
        self.state.withLock { state in
            state.listeners.removeAll { $0.mailbox == nil }
            state.listeners.append(Listener(mailbox: mailbox))
        }
    }

    func perform(_ outputs: [WatchMachine.Output]) {
        var changed: Set<ObjectKey> = []
        var isWhole = false
        let mailboxes = self.state.withLock { state -> [ChangeMailbox] in
            for output in outputs {
                switch output {
                case .beginList: state.incoming = [:]
                case .page(let objects):
                    for object in objects { state.incoming[object.key] = self.transformed(object) }
                case .endList:
                    changed.formUnion(Self.difference(state.objects, state.incoming))
                    state.objects = state.incoming
                    state.incoming = [:]
                    isWhole = true
                case .apply(let object):
                    state.objects[object.key] = self.transformed(object)
                    changed.insert(object.key)
                case .remove(let object):
                    if state.objects.removeValue(forKey: object.key) != nil { changed.insert(object.key) }
                }
            }
            return changed.isEmpty ? [] : state.listeners.compactMap(\.mailbox)
        }
        if isWhole { self.synchronised.open() }
        let change = CacheChange(type: self.type, keys: changed)
        for mailbox in mailboxes { mailbox.post(change) }
    }

    private func transformed(_ object: KubeObject) -> KubeObject {
        var object = object
        self.transform(&object)
        return object
    }

    /// Keys that are only on one side, or differ in version or identity.
    private static func difference(_ before: [ObjectKey: KubeObject], _ after: [ObjectKey: KubeObject]) -> Set<ObjectKey> {
        var keys = Set(before.keys.filter { after[$0] == nil })
        for (key, object) in after {
            let old = before[key]?.metadata
            if old?.resourceVersion != object.metadata.resourceVersion || old?.uid != object.metadata.uid || old == nil { keys.insert(key) }
        }
        return keys
    }
}
