import ArgumentParser
import FoundationEssentials
import JSONModel
import MeshModel
import YAMLDocument

struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create or change resources of a control plane that runs without Kubernetes.",
        discussion: """
            Documents are in the universal form (type, name, mesh) or in that of Kubernetes (apiVersion, kind, metadata, spec). \
            All of them are checked before the first is sent.

            Examples:
              egretctl apply -f mesh.yaml
              cat mesh.yaml | egretctl apply -f -
            """)

    @Option(name: [.customShort("f"), .long], help: "File with one or more documents; - reads standard input.") var file: String
    @Option(name: [.customShort("v"), .long], help: "name=value for {{ name }} in the documents; repeatable.") var `var`: [String] = []
    @Flag(help: "Check and print the resources, and send nothing.") var dryRun = false
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let (text, place) = try self.text()
        let filled = try Template.filled(text, values: try Template.values(self.var), place: place)
        let jsons: [JSON]
        do { jsons = try YAMLDocument.parse(filled, file: place) } catch { throw CLIFailure("\(error)") }
        var documents: [ResourceDocument] = []
        for (index, json) in jsons.enumerated() where !json.isNull {
            do { documents.append(try ResourceDocument(json)) } catch {
                let name = json["name"]?.string ?? json.at("metadata", "name")?.string
                let which = name.map { "\(json["type"]?.string ?? json["kind"]?.string ?? "resource") \($0)" } ?? "document \(index + 1)"
                throw CLIFailure("\(place): \(which) is not valid\n" + error.violations.map { "  \($0)" }.joined(separator: "\n"))
            }
        }
        if documents.isEmpty { throw CLIFailure("\(place) has no resources") }
        if self.dryRun {
            print(YAMLDocument.text(documents.map(\.universal)), terminator: "")
            return
        }
        let client = try self.connection.client()
        for document in documents {
            let isNew = try await client.put(document.path, document.universal)
            print("\(document.kind.name) \(document.name) \(isNew ? "created" : "applied")")
        }
    }

    private func text() throws(CLIFailure) -> (String, String) {
        if self.file == "-" {
            var text = ""
            while let line = readLine(strippingNewline: false) { text += line }
            return (text, "standard input")
        }
        guard let data = FileManager.default.contents(atPath: self.file) else { throw CLIFailure("the file \(self.file) cannot be read") }
        return (String(decoding: data, as: UTF8.self), self.file)
    }
}

extension ResourceDocument {
    /// Of the REST API.
    var path: String { self.kind.path(mesh: self.mesh, name: self.name) }
}

extension ResourceKind {
    func path(mesh: String?, name: String? = nil) -> String {
        let end = name.map { "/\($0)" } ?? ""
        return self.isOfMesh ? "/meshes/\(mesh ?? "default")/\(self.path)\(end)" : "/\(self.path)\(end)"
    }

    /// Names on the command line become parts of paths: whatever else somebody typed is refused here.
    static func check(name: String?, mesh: String = "default") throws {
        for (what, text) in [("name", name ?? "x"), ("mesh", mesh)] {
            let isName = text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
            guard isName, !text.isEmpty, text != ".", text != ".." else {
                throw ValidationError("\"\(text)\" cannot be a \(what): those consist of lower case letters, digits, '-', '.' and '_'")
            }
        }
    }
}
