import ConfigSync
import JSONModel
import MeshModel
import Store
import ZoneSync

/// What a zone tells: its proxies' resources and what is known of them, and how far it is with what came down.
struct ReportSource: Sendable {
    let zone: String
    let reader: any ResourceReader
    let insights: any Insights
    /// Yields when there may be something new; several times perhaps once.
    let changes: @Sendable () -> [any AsyncSequence<Void, Never> & Sendable]

    /// Between two reports.
    private static let pause = Duration.seconds(1)
    /// Counters change without a word.
    private static let look = Duration.seconds(5)

    func text(_ state: Replicator.State) -> ConfigText {
        let proxies = ZoneReport.kinds.flatMap { self.reader.resources($0.name) }.filter(self.isOurs).flatMap { resource in
            ZoneReport.items(
                SharedItem(resource), .init(insight: self.insights.insight(of: resource), status: resource.status))
        }
        var about: JSON = ["problems": .array(state.problems.map(JSON.string))]
        about["applied"] = state.applied.map(JSON.string)
        return SharedText.text(proxies + [ZoneReport.about(self.zone, about)])
    }

    /// Other zones' ingresses are theirs to tell.
    private func isOurs(_ resource: StoredResource) -> Bool {
        !Origin.isGlobal(resource.labels) && [nil, "", self.zone].contains(resource.spec["zone"]?.string)
    }

    /// Says whenever it is worth asking for the text, at most once a second. Until cancelled.
    func follow(_ onNews: @escaping @Sendable () -> Void) async {
        let changes = self.changes()
        let wake = Wake()
        await withTaskGroup { group in
            for change in changes { group.addTask { for await _ in change { wake.up() } } }
            group.addTask { while (try? await Task.sleep(for: Self.look)) != nil { wake.up() } }
            group.addTask {
                wake.up()
                for await _ in wake.stream {
                    onNews()
                    guard (try? await Task.sleep(for: Self.pause)) != nil else { return }
                }
            }
            await group.waitForAll()
        }
    }
}
