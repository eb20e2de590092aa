import FoundationEssentials

/// A token or a CA: given as text, or in a file or elsewhere, where it may change while we run.
package enum TextSource: Sendable {
    case text(String)
    case file(String)
    /// Kept by somebody else: `the key token of Secret x`. Nil while it is not there.
    case held(in: String, @Sendable () -> String?)

    /// - Parameter what: for the error: `the control plane's CA certificate`.
    package func read(_ what: String) throws(UnreadableFile) -> String {
        switch self {
        case .text(let text): return text.trimmed
        case .held(let place, let read):
            guard let text = read()?.trimmed, !text.isEmpty else {
                throw UnreadableFile(description: "\(what) should be in \(place), which is not there or is empty")
            }
            return text
        case .file(let path):
            guard let data = FileManager.default.contents(atPath: path) else {
                let reason = FileManager.default.fileExists(atPath: path) ? "it cannot be read" : "there is no such file"
                throw UnreadableFile(description: "\(what) should be in \(path), but \(reason)")
            }
            let text = String(decoding: data, as: UTF8.self).trimmed
            guard !text.isEmpty else { throw UnreadableFile(description: "\(what) should be in \(path), but the file is empty") }
            return text
        }
    }
}

package struct UnreadableFile: Error, Hashable, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

extension String {
    /// Without white space at either end.
    package var trimmed: String {
        guard let first = self.firstIndex(where: { !$0.isWhitespace }), let last = self.lastIndex(where: { !$0.isWhitespace }) else {
            return ""
        }
        return String(self[first...last])
    }
}
