package import KubeAPI
private import Synchronization

/// What a consumer of caches hears: that these objects of this type may differ from before. What they are now is in the
/// cache; a consumer never acts on the event itself.
package struct CacheChange: Hashable, Sendable {
    package var type: ResourceType
    package var keys: Set<ObjectKey>

    package init(type: ResourceType, keys: Set<ObjectKey>) {
        self.type = type
        self.keys = keys
    }
}

/// Batches of merged changes, for one reader. Ends when its task is cancelled.
package struct ChangeFeed: AsyncSequence, Sendable {
    package typealias Element = [CacheChange]
    package typealias Failure = Never

    let mailbox: ChangeMailbox

    package struct AsyncIterator: AsyncIteratorProtocol {
        let mailbox: ChangeMailbox

        package mutating func next() async -> [CacheChange]? { await self.mailbox.next() }

        package mutating func next(isolation actor: isolated (any Actor)?) async -> [CacheChange]? { await self.mailbox.next() }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(mailbox: self.mailbox) }
}

/// Where changes wait to be read. Keys merge, so that a slow reader costs no more memory than there are objects.
final class ChangeMailbox: Sendable {
    private let pending = Mutex<[ResourceType: Set<ObjectKey>]>([:])
    private let wakeup = Wakeup()

    func post(_ change: CacheChange) {
        guard !change.keys.isEmpty else { return }
        self.pending.withLock { $0[change.type, default: []].formUnion(change.keys) }
        self.wakeup.signal()
    }

    func next() async -> [CacheChange]? {
        while !Task.isCancelled {
            let batch = self.pending.withLock { pending in
                defer { pending = [:] }
                return pending
            }
            if !batch.isEmpty { return batch.map { CacheChange(type: $0.key, keys: $0.value) } }
            await self.wakeup.wait(until: nil)
        }
        return nil
    }
}
