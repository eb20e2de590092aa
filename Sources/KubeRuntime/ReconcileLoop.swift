package import KubeAPI
package import Logging
import ServiceLifecycle

/// How a reconcile ended.
package enum ReconcileOutcome: Hashable, Sendable {
    case done
    /// All is well; look again after this (a renewal, a deadline).
    case again(after: Duration)
    case failed(ReconcileFailure)
}

/// Turns changes into keys, keys into calls of `reconcile`, never two of one key at once, none before the caches are filled.
package final class ReconcileLoop<Key: Hashable & Sendable>: Service, Sendable {
    /// `keys` says which keys a change concerns. Every key it gives for the first full caches is reconciled at start.
    package init(
        name: String, informers: InformerGroup, workers: Int = 1, backoff: Backoff = Backoff(), logger: Logger,
        keys: @escaping @Sendable (CacheChange) -> [Key], reconcile: @escaping @Sendable (Key) async -> ReconcileOutcome
    ) { fatalError("follows") }

    /// Asks for a look at a key from outside (a timer, a config stream).
    package func enqueue(_ key: Key, after delay: Duration = .zero) { fatalError("follows") }
    package func run() async throws { fatalError("follows") }
}
