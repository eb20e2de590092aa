internal import FoundationEssentials

/// What we read of the machine: small files and the environment.
package enum Host {
    package static var environment: [String: String] { ProcessInfo.processInfo.environment }

    static func read(_ path: String) -> [UInt8]? { FileManager.default.contents(atPath: path).map { [UInt8]($0) } }

    static func text(of path: String) -> String? { self.read(path).map { String(decoding: $0, as: UTF8.self) } }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    static func decodeBase64(_ text: String) -> String? {
        Data(base64Encoded: text.filter { !$0.isWhitespace }).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        let start = self.drop(while: \.isWhitespace)
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }
}
