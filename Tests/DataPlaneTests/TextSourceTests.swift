import ControlPlaneAccess
import Foundation
import Testing

@Suite struct TextSourceTests {
    @Test("a text is taken without the white space around it, as command substitution and environment files leave it")
    func text() throws {
        #expect(try TextSource.text(" one\n").read("the token") == "one")
    }

    @Test("a file is read anew each time, without the white space around its text")
    func file() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let source = TextSource.file(path)
        #expect(throws: UnreadableFile(description: "the token should be in \(path), but there is no such file")) {
            try source.read("the token")
        }
        try Data("\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: UnreadableFile(description: "the token should be in \(path), but the file is empty")) {
            try source.read("the token")
        }
        try Data(" one\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try source.read("the token") == "one")
        try Data("two".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try source.read("the token") == "two")
    }
}
