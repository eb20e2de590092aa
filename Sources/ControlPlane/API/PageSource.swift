import ConfigSync
import Planning
import Store

/// Whoever can ask a proxy for one of its admin pages.
protocol PageSource: Sendable {
    /// Nil where nobody answers.
    func page(_ page: Question.Page, of resource: StoredResource) async -> String?

    /// Why nobody may have answered.
    func silence(of resource: StoredResource) -> String
}

/// Proxies with a stream to this control plane.
struct ProxyPages: PageSource {
    let reader: any ResourceReader
    let hub: ConfigHub

    func page(_ page: Question.Page, of resource: StoredResource) async -> String? {
        for proxy in self.reader.proxies(of: resource.id) { if let text = await self.hub.ask(proxy, page) { return text } }
        return nil
    }

    func silence(of resource: StoredResource) -> String {
        "no proxy of the \(resource.id) has a stream to this control plane, or it did not answer within 5 s"
    }
}
