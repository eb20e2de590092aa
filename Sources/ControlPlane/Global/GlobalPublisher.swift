import ConfigSync
import FoundationEssentials
import MeshModel
import ServiceLifecycle
import Store
import ZoneSync

/// Hands zones what they share, as it changes.
struct GlobalPublisher: Service {
    private let store: ResourceStore
    private let book: ZoneBook
    private let hub: StreamHub<String>
    private let reports: ZoneReports

    /// How long the first change of a burst waits for the others.
    private static let debounce = Duration.milliseconds(20)

    init(store: ResourceStore, book: ZoneBook, hub: StreamHub<String>, reports: ZoneReports) {
        self.store = store
        self.book = book
        self.hub = hub
        self.reports = reports
    }

    func run() async throws {
        let changes = self.store.changes()
        await cancelWhenGracefulShutdown {
            var published: Set<Int64>?
            self.publish(&published)
            for await _ in changes {
                guard (try? await Task.sleep(for: Self.debounce)) != nil else { return }
                self.book.keep(Set(self.store.unordered(kind: ResourceKind.zone.name).map(\.id.name)))
                await self.reports.meshesChanged(now: Date())
                self.publish(&published)
            }
        }
    }

    /// - Parameter published: the versions of what was published last: most changes are of what zones say about themselves.
    private func publish(_ published: inout Set<Int64>?) {
        let resources = GlobalShare.kinds.flatMap { self.store.unordered(kind: $0) }
        let versions = Set(resources.map(\.version))
        guard versions != published else { return }
        published = versions
        let share = GlobalShare(resources.map { SharedItem($0) })
        self.hub.publish { share.text(for: $0) }
    }
}
