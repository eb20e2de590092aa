import Foundation
package import Testing

/// Compares a text with its recorded form, `Goldens/<name>` beside the calling test.
///
/// `hack/record` (`EGRET_RECORD=1`) writes what the test made; the difference is then read in `git diff`. A golden nobody
/// recorded fails. The test's name contains the word "golden", which is how `hack/record` finds it.
package func expectGolden(
    _ text: String, _ name: String, filePath: String = #filePath, sourceLocation: SourceLocation = #_sourceLocation
) {
    let file = URL(fileURLWithPath: filePath).deletingLastPathComponent().appendingPathComponent("Goldens").appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["EGRET_RECORD"] == "1" {
        do {
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        } catch {
            Issue.record("could not write \(file.path): \(error)", sourceLocation: sourceLocation)
        }
        return
    }
    guard let recorded = try? String(contentsOf: file, encoding: .utf8) else {
        Issue.record("Goldens/\(name) is not recorded yet: run hack/record and read it", sourceLocation: sourceLocation)
        return
    }
    if recorded != text {
        Issue.record(
            "differs from Goldens/\(name) (if meant, run hack/record):\n\(firstDifference(recorded, text))",
            sourceLocation: sourceLocation)
    }
}

/// The first line that differs, with its number and both versions.
private func firstDifference(_ recorded: String, _ actual: String) -> String {
    let old = recorded.split(separator: "\n", omittingEmptySubsequences: false)
    let new = actual.split(separator: "\n", omittingEmptySubsequences: false)
    let line = zip(old, new).prefix { $0 == $1 }.count
    return """
        line \(line + 1)
        - \(line < old.count ? String(old[line]) : "(end)")
        + \(line < new.count ? String(new[line]) : "(end)")
        """
}
