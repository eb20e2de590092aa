import Foundation
import Testing

@testable import StaticConfig

/// `docs/static-config.md` against the reader.
@Suite struct DocumentationTests {
    private static let page: String = {
        var folder = URL(fileURLWithPath: #filePath)
        while !FileManager.default.fileExists(atPath: folder.appendingPathComponent("Package.swift").path) {
            folder.deleteLastPathComponent()
        }
        return try! String(contentsOf: folder.appendingPathComponent("docs/static-config.md"), encoding: .utf8)
    }()

    private static var examples: [String] {
        self.page.components(separatedBy: "```yaml\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
    }

    @Test("every example of the page is read without an error")
    func examples() throws {
        #expect(Self.examples.count == 4)
        for example in Self.examples {
            let config = try StaticConfig.read(example, path: "egress.yaml") { _ in .text("PEM") }
            #expect(config.errors == [])
        }
    }

    @Test("the page's first example is the one this module is tested with")
    func firstExample() { #expect(Self.examples[0] == StaticConfigTests.example + "\n") }

    @Test("the page's tables name every key the reader knows, and no other")
    func keys() throws {
        var documented: Set<String> = []
        for line in Self.page.split(separator: "\n") where line.hasPrefix("| `") {
            let cell = line.split(separator: "|")[0]
            for key in cell.split(separator: "`").enumerated() where key.offset % 2 == 1 {
                documented.formUnion(key.element.split(separator: ".").map(String.init))
            }
        }
        let known = try self.knownKeys()
        #expect(documented.subtracting(known) == [])
        #expect(known.subtracting(documented) == [])
    }

    /// What the reader lists when it meets a key that is like none it knows, at every place of the format.
    private func knownKeys() throws -> Set<String> {
        let odd = "zzzzzzzzzzzz: 1"
        let text = """
            \(odd)
            admin: {\(odd)}
            timeouts: {\(odd)}
            trust: [{\(odd)}]
            identities: [{\(odd)}]
            listeners:
              - {\(odd), routes: [{\(odd), terminate: {\(odd)}}, {passthrough: {\(odd)}}]}
              - {originate: {\(odd)}}
              - {permissive: {\(odd)}}
            clusters:
              - {\(odd), endpoints: [{\(odd)}], tls: {\(odd)}, resolvedAddresses: {\(odd)}}
              - {tls: {mesh: default, \(odd)}}
            """
        do {
            _ = try StaticConfig.read(text, path: "f") { _ in .text("PEM") }
        } catch {
            let lists = error.problems.compactMap { $0.components(separatedBy: "known here: ").dropFirst().first }
            #expect(lists.count == 14)
            return Set(lists.flatMap { $0.components(separatedBy: ", ") })
        }
        return []
    }
}
