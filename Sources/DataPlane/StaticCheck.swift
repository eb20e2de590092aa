import FoundationEssentials
package import Routing
import StaticConfig
import TLSRelay

/// What a proxy would say about a static file, without being one: nothing is bound, resolved or connected to.
package struct StaticCheck: Sendable {
    /// `1 listener, 2 routes, 2 clusters`
    package let summary: String
    /// What would not be served as written.
    package let errors: [ItemError]

    /// - Throws: what refuses the file whole.
    package init(path: String) throws(UnusableFile) {
        let credentials = TLSCredentials()
        var loader = StaticFileLoader(path: path) { credentials.problem(of: $0) }
        let loaded = try loader.load(previous: nil).config
        let identities = StaticIdentities(credentials: credentials)
        var errors = loaded.errors
        errors += credentials.setTrust(loaded.config.trust)
        errors += credentials.prepare(loaded.config.clusters)
        errors += identities.present(loaded.identities).errors
        errors += identities.errors
        errors += CompiledConfig(loaded.config).errors
        self.errors = errors
        let routes = loaded.config.listeners.reduce(0) { sum, listener in
            if case .sni(let routes) = listener.kind { sum + routes.count } else { sum + 1 }
        }
        self.summary = [
            Self.count(loaded.config.listeners.count, "listener"), Self.count(routes, "route"),
            Self.count(loaded.config.clusters.count, "cluster"),
        ].joined(separator: ", ")
    }

    private static func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
