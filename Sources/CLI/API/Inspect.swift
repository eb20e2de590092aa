import ArgumentParser
import FoundationEssentials
import JSONModel
import MeshModel
import YAMLDocument

struct Inspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show proxies and whether they are connected.",
        discussion: "Example:\n  egretctl inspect zoneegresses")

    @Argument(help: "zoneegresses, zone-ingresses or dataplanes.") var kind: String
    @Option(help: "The mesh of dataplanes.") var mesh = "default"
    @Option(name: [.customShort("o"), .long], help: "table, yaml or json.") var output = OutputFormat.table
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        _ = try self.chosen()
        try ResourceKind.check(name: nil, mesh: self.mesh)
    }

    private func chosen() throws -> ResourceKind {
        let kinds: [ResourceKind] = [.zoneEgress, .zoneIngress, .dataplane]
        guard let kind = ResourceKind.spoken(self.kind), kinds.contains(where: { $0.name == kind.name }) else {
            throw ValidationError("\"\(self.kind)\" cannot be inspected; there are \(kinds.map(\.path).joined(separator: ", "))")
        }
        return kind
    }

    func run() async throws {
        let kind = try self.chosen()
        let items = try await self.connection.client().list(kind.path(mesh: self.mesh) + "/_overview")
        switch self.output {
        case .yaml: print(YAMLDocument.text(items), terminator: "")
        case .json: print((["total": JSON(items.count), "items": .array(items)] as JSON).prettyText)
        case .table:
            var columns = [
                "NAME", "STATUS", "LAST CONNECTED AGO", "LAST UPDATED AGO", "TOTAL UPDATES", "TOTAL ERRORS", "EGRET-DP VERSION", "REASON",
            ]
            if kind.isOfMesh { columns.insert("MESH", at: 0) }
            let now = Date()
            print(TextTable.text(columns: columns, rows: items.map { Self.row($0, kind, now: now) }))
        }
    }

    private static func row(_ item: JSON, _ kind: ResourceKind, now: Date) -> [String] {
        let member = kind.name.prefix(1).lowercased() + kind.name.dropFirst()
        let streams = item.at("\(member)Insight", "subscriptions")?.array ?? []
        let isOnline = streams.contains { $0["disconnectTime"] == nil }
        func total(_ field: String) -> Int { streams.reduce(0) { $0 + ($1.at("status", "total", field)?.int ?? 0) } }
        let last = streams.last
        let ready = (item.at("status", "conditions")?.array ?? []).first { $0["type"] == "Ready" }
        let reason = ready?["status"] == "True" ? "" : ready?["reason"]?.string ?? ""
        let row = [
            item["name"]?.string ?? "", isOnline ? "Online" : "Offline", Ago.text(last?["connectTime"]?.string, now: now),
            Ago.text(last?.at("status", "lastUpdateTime")?.string, now: now), "\(total("responsesSent"))",
            "\(total("responsesRejected"))", last?.at("version", "kumaDp", "version")?.string ?? "", reason,
        ]
        return kind.isOfMesh ? [item["mesh"]?.string ?? ""] + row : row
    }
}
