import ConfigSync
import MeshModel
import Store

/// Proxies of zones, asked through the streams of their zones' control planes.
struct ZonePages: PageSource {
    let book: ZoneBook
    let hub: StreamHub<String>
    let questions: Questions<String>

    /// Longer than the zone waits for its proxy.
    private static let patience = Duration.seconds(8)

    func page(_ page: Question.Page, of resource: StoredResource) async -> String? {
        guard let zone = resource.labels[Origin.zoneLabel], let stream = self.hub.stream(of: zone) else { return nil }
        let proxy = Question.Proxy(
            kind: resource.id.kind, mesh: resource.id.mesh, name: resource.labels[Origin.displayName] ?? resource.id.name)
        return await self.questions.ask(zone, page, of: proxy, atMost: Self.patience) { stream.ask($0) }
    }

    func silence(of resource: StoredResource) -> String {
        let zone = resource.labels[Origin.zoneLabel] ?? ""
        return self.book.isConnected(zone)
            ? "the control plane of zone \(zone) did not get an answer from the proxy; ask there" : "zone \(zone) is not connected"
    }
}
