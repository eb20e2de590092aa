package import KubeAPI
package import Logging
import ServiceLifecycle

/// What a consumer of caches hears: that these objects of this type may differ from before.
package struct CacheChange: Hashable, Sendable {
    package var type: ResourceType
    package var keys: Set<ObjectKey>
}

/// A cache of one collection, kept in step with the server by list and watch.
package final class Informer: Service, Sendable {
    package let type: ResourceType

    package init(
        _ type: ResourceType, client: KubeClient, namespace: String? = nil, selector: ObjectSelector = .all, pageSize: Int = 500,
        logger: Logger = Logger(label: "egret.informer")
    ) { fatalError("follows") }

    /// All objects as of now. Empty until synchronised.
    package var snapshot: [ObjectKey: KubeObject] { fatalError("follows") }
    package func object(_ key: ObjectKey) -> KubeObject? { fatalError("follows") }
    /// Whether the first list is in.
    package var isSynchronised: Bool { fatalError("follows") }
    /// Returns once the first list is in; throws when cancelled.
    package func waitUntilSynchronised() async throws(CancellationError) { fatalError("follows") }
    /// Changes from now on. Keys merge while nobody reads, so that a slow reader costs no memory.
    package func changes() -> ChangeFeed { fatalError("follows") }
    package func run() async throws { fatalError("follows") }
}

/// Several caches as one: synchronised when all are.
package final class InformerGroup: Service, Sendable {
    package init(_ informers: [Informer]) { fatalError("follows") }
    package subscript(_ type: ResourceType) -> Informer { fatalError("follows") }
    package var isSynchronised: Bool { fatalError("follows") }
    package func waitUntilSynchronised() async throws(CancellationError) { fatalError("follows") }
    package func changes() -> ChangeFeed { fatalError("follows") }
    package func run() async throws { fatalError("follows") }
}

/// Batches of merged changes. Ends when its task is cancelled.
package struct ChangeFeed: AsyncSequence, Sendable {
    package typealias Element = [CacheChange]
    package typealias Failure = Never
    package struct AsyncIterator: AsyncIteratorProtocol {
        package mutating func next() async -> [CacheChange]? { fatalError("follows") }
        package mutating func next(isolation actor: isolated (any Actor)?) async -> [CacheChange]? { fatalError("follows") }
    }
    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
}
