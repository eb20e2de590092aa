import ArgumentParser
import FoundationEssentials
import JSONModel
import MeshModel
import YAMLDocument

struct Inspect: AsyncParsableCommand {
    /// Kuma's words.
    enum View: String, CaseIterable, ExpressibleByArgument {
        case overview, stats, clusters
        case configDump = "config-dump"

        /// Behind the proxy's path; nil: its overview.
        var page: String? {
            switch self {
            case .overview: nil
            case .stats: "/stats"
            case .clusters: "/clusters"
            case .configDump: "/xds"
            }
        }
    }

    static let configuration = CommandConfiguration(
        abstract: "Show proxies and zones, and whether they are connected.",
        discussion: """
            The global control plane shows those of every zone; the others theirs.

            Examples:
              egretctl inspect zones
              egretctl inspect zoneegresses
              egretctl inspect zoneegress zoneegress-1 --type clusters
            """)

    @Argument(help: "zones, zoneegresses, zone-ingresses or dataplanes.") var kind: String
    @Argument(help: "One of them.") var name: String?
    @Option(help: "What of one proxy: overview, or what it says itself: config-dump, stats or clusters.") var type = View.overview
    @Option(help: "The mesh of dataplanes.") var mesh = "default"
    @Option(name: [.customShort("o"), .long], help: "table, yaml or json.") var output = OutputFormat.table
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        _ = try self.chosen()
        try ResourceKind.check(name: self.name, mesh: self.mesh)
        if self.type != .overview, try self.chosen().name == ResourceKind.zone.name {
            throw ValidationError("--type \(self.type.rawValue) is of a proxy, not of a zone")
        }
        if self.name == nil, self.type != .overview { throw ValidationError("--type \(self.type.rawValue) is of one proxy; name it") }
    }

    private func chosen() throws -> ResourceKind {
        let kinds: [ResourceKind] = [.zone, .zoneEgress, .zoneIngress, .dataplane]
        guard let kind = ResourceKind.spoken(self.kind), kinds.contains(where: { $0.name == kind.name }) else {
            throw ValidationError("\"\(self.kind)\" cannot be inspected; there are \(kinds.map(\.path).joined(separator: ", "))")
        }
        return kind
    }

    func run() async throws {
        let kind = try self.chosen()
        let client = try self.connection.client()
        if let name, let page = self.type.page {
            print(try await client.text(kind.path(mesh: self.mesh, name: name) + page), terminator: "")
            return
        }
        let items =
            if let name {
                [try await client.get(kind.path(mesh: self.mesh, name: name) + "/_overview")]
            } else {
                try await client.list(kind.path(mesh: self.mesh) + "/_overview")
            }
        switch self.output {
        case .yaml: print(YAMLDocument.text(items), terminator: "")
        case .json: print((["total": JSON(items.count), "items": .array(items)] as JSON).prettyText)
        case .table:
            print(InspectTables.table(of: items, kind: kind, now: Date()))
        }
    }
}
