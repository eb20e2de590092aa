import ArgumentParser
import FoundationEssentials
import JSONModel
import MeshModel
import YAMLDocument

struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show resources.",
        discussion: """
            Examples:
              egretctl get meshes
              egretctl get zoneegress zoneegress-1 -o yaml
            """)

    @Argument(help: ArgumentHelp(ResourceKind.all.map(\.path).joined(separator: ", ") + "."))
    var kind: String
    @Argument(help: "One of them.") var name: String?
    @Option(help: "The mesh of those that belong to one.") var mesh = "default"
    @Option(name: [.customShort("o"), .long], help: "table, yaml or json.") var output = OutputFormat.table
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        _ = try ResourceKind.named(onCommandLine: self.kind)
        try ResourceKind.check(name: self.name, mesh: self.mesh)
    }

    func run() async throws {
        let kind = try ResourceKind.named(onCommandLine: self.kind)
        let client = try self.connection.client()
        let path = kind.path(mesh: self.mesh, name: self.name)
        let items = self.name == nil ? try await client.list(path) : [try await client.get(path)]
        switch self.output {
        case .yaml: print(YAMLDocument.text(items), terminator: "")
        case .json:
            let json: JSON = self.name == nil ? ["total": JSON(items.count), "items": .array(items)] : items[0]
            print(json.prettyText)
        case .table: print(ResourceTables.table(of: items, kind: kind, now: Date()))
        }
    }
}

extension ResourceKind {
    static func named(onCommandLine word: String) throws -> ResourceKind {
        guard let kind = ResourceKind.spoken(word) else {
            throw ValidationError("there is no kind \"\(word)\"; there are \(ResourceKind.all.map(\.path).joined(separator: ", "))")
        }
        return kind
    }
}

struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Delete a resource.")

    @Argument(help: "Its kind, such as mesh or zoneegress.") var kind: String
    @Argument(help: "Its name.") var name: String
    @Option(help: "Its mesh, if it belongs to one.") var mesh = "default"
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        _ = try ResourceKind.named(onCommandLine: self.kind)
        try ResourceKind.check(name: self.name, mesh: self.mesh)
    }

    func run() async throws {
        let kind = try ResourceKind.named(onCommandLine: self.kind)
        try await self.connection.client().delete(kind.path(mesh: self.mesh, name: self.name))
        print("\(kind.name) \(self.name) deleted")
    }
}
