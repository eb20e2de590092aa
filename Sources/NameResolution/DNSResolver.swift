import Routing
import Synchronization

/// Resolves names with c-ares on one thread, for everybody in the process. The thread begins with the first question.
///
/// The hosts file wins, then DNS as `/etc/resolv.conf` says; both are read again when they have changed. Questions for the
/// same name at the same time are one question.
package final class DNSResolver: NameResolver {
    private let core: ResolverCore

    package init(policy: ResolverPolicy = ResolverPolicy(), metrics: ResolverMetrics? = nil) {
        self.core = ResolverCore(policy, metrics)
    }

    deinit { self.core.stop() }

    package func resolve(_ name: String, _ answer: @escaping @Sendable (ResolvedName) -> Void) -> ResolvedName? {
        self.core.resolve(name.lowercased(), answer)
    }

    package func known(_ name: String) -> ResolvedName? { self.core.state.withLock { $0.store.known(name.lowercased()) } }
}
