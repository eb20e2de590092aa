/// Text that is not YAML as we read it: one sentence with its place.
package struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
    package let file: String
    /// From 1.
    package let line: Int
    package let column: Int
    package let reason: String

    package init(file: String, line: Int, column: Int, reason: String) {
        self.file = file
        self.line = line
        self.column = column
        self.reason = reason
    }

    package var description: String { "\(self.file):\(self.line):\(self.column): \(self.reason)" }
}
