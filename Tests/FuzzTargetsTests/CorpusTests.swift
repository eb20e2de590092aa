import Foundation
import TestKit
import Testing

@testable import FuzzTargets

/// What the fuzzers keep: one input for each way through the code, and those that once broke it.
@Suite struct CorpusTests {
    @Test("every saved input of the fuzzers is read as promised", arguments: FuzzTarget.allCases)
    func replay(target: FuzzTarget) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/\(target.rawValue)")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(files.count > 20)
        for file in files { target.run(Array(try Data(contentsOf: file))) }
    }
}
