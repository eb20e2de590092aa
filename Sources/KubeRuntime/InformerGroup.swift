package import KubeAPI
import ServiceLifecycle

/// Several caches as one: synchronised when all are.
package final class InformerGroup: Service, Sendable {
    package let informers: [Informer]

    package init(_ informers: [Informer]) { self.informers = informers }

    /// The cache of a type. Asking for one that was not composed is a mistake of ours.
    package subscript(_ type: ResourceType) -> Informer {
        guard let informer = self.informers.first(where: { $0.type == type }) else {
            preconditionFailure("there is no cache of \(type) in this group")
        }
        return informer
    }

    package func has(_ type: ResourceType) -> Bool { self.informers.contains { $0.type == type } }

    package var isSynchronised: Bool { self.informers.allSatisfy(\.isSynchronised) }

    package func waitUntilSynchronised() async throws(CancellationError) {
        for informer in self.informers { try await informer.waitUntilSynchronised() }
    }

    package func changes() -> ChangeFeed {
        let mailbox = ChangeMailbox()
        for informer in self.informers { informer.attach(mailbox) }
        return ChangeFeed(mailbox: mailbox)
    }

    /// Runs all until cancelled or gracefully shut down.
    package func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for informer in self.informers { group.addTask { try await informer.run() } }
        }
    }
}
