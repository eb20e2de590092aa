/// The control plane asks a proxy for one of its admin pages, over the config stream: `{"question":{"id":"…","page":"clusters"}}`.
/// Proxies' admin servers listen on loopback, where nobody else reaches them.
package struct Question: Codable, Hashable, Sendable {
    package enum Page: String, CaseIterable, Codable, Hashable, Sendable {
        /// The configuration in service.
        case config
        /// Metrics, in Prometheus' text format.
        case stats
        /// Destinations and their endpoints.
        case clusters
    }

    /// Whose page, where the one that is asked only passes the question on: a zone's control plane.
    package struct Proxy: Codable, Hashable, Sendable {
        /// `ZoneEgress`
        package var kind: String
        package var mesh: String
        package var name: String

        package init(kind: String, mesh: String, name: String) {
            self.kind = kind
            self.mesh = mesh
            self.name = name
        }
    }

    package var id: String
    package var page: Page
    package var proxy: Proxy?

    package init(id: String, page: Page, proxy: Proxy? = nil) {
        self.id = id
        self.page = page
        self.proxy = proxy
    }

    package var line: [UInt8] { StreamHeader.question(self).line }
}

/// And the proxy answers: `POST /v1/answers`.
package struct Answer: Codable, Hashable, Sendable {
    package static let path = "/v1/answers"

    package var proxyType: ProxyType
    package var name: String
    /// Empty for zone proxies.
    package var mesh: String
    /// Of the question.
    package var id: String
    /// The page as it is.
    package var text: String

    package init(proxyType: ProxyType, name: String, mesh: String, id: String, text: String) {
        self.proxyType = proxyType
        self.name = name
        self.mesh = mesh
        self.id = id
        self.text = text
    }
}
