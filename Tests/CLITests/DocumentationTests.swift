import Foundation
import Planning
import Routing
import TestKit
import Testing

@Suite("Documentation")
struct DocumentationTests {
    private func page(_ path: String) throws -> String {
        try String(contentsOfFile: "\(Repository.root)/\(path)", encoding: .utf8)
    }

    /// The words in the first column of a page's tables.
    private func rows(_ path: String) throws -> Set<String> {
        Set(try self.page(path).matches(of: /\n\| `([A-Za-z0-9_]+)` \|/).map { String($0.1) })
    }

    @Test("Every refusal has its row, and there are no others")
    func refusals() throws {
        #expect(try self.rows("docs/refusals.md") == Set(RefusalReason.allCases.map(\.rawValue)))
    }

    @Test("Every reason of a condition has its row, and there are no others")
    func conditions() throws {
        #expect(try self.rows("docs/conditions.md") == Set(Reason.allCases.map(\.rawValue)))
    }

    @Test("Links between pages lead somewhere")
    func links() throws {
        var pages = ["README.md", "CHANGELOG.md", "charts/egret/README.md"]
        let files = FileManager.default.enumerator(atPath: "\(Repository.root)/docs")
        while let file = files?.nextObject() as? String { if file.hasSuffix(".md") { pages.append("docs/\(file)") } }
        #expect(pages.count > 10)
        for path in pages {
            let folder = (path as NSString).deletingLastPathComponent
            for link in try self.page(path).matches(of: /\]\(([^)#:]+)(#[^)]*)?\)/).map({ String($0.1) }) {
                let target = ("\(Repository.root)/\(folder)/\(link)" as NSString).standardizingPath
                #expect(FileManager.default.fileExists(atPath: target), "\(path) links to \(link)")
            }
        }
    }
}
