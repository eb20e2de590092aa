package import JSONModel

/// YAML as Kubernetes reads it, into JSON values: scalars resolve as `sigs.k8s.io/yaml` resolves them, aliases and merge
/// keys are expanded, and what that package lets pass silently (a member given twice) is refused.
package enum YAMLDocument {
    /// Every document of a stream that holds anything. `file` is only for messages.
    package static func parse(_ text: String, file: String = "<input>") throws(YAMLError) -> [JSON] {
        do {
            var parser = YAMLParser(file: file)
            return try parser.documents(in: text).filter { !$0.isNull }
        } catch {
            // JSON indented with tabs is JSON, but not YAML.
            if let json = Self.json(text) { return [json] }
            throw error
        }
    }

    /// The one document of a file; null when it holds none. Several are an error.
    package static func parseOne(_ text: String, file: String = "<input>") throws(YAMLError) -> JSON {
        let documents = try self.parse(text, file: file)
        guard documents.count <= 1 else {
            throw YAMLError(file: file, line: 1, column: 1, reason: "holds \(documents.count) documents where one is expected")
        }
        return documents.first ?? .null
    }

    /// Block style. Members come sorted by name, those in `first` before the others at the top level.
    package static func text(_ value: JSON, first: [String] = YAMLDocument.objectOrder) -> String { self.text([value], first: first) }

    /// Several documents separated by `---`.
    package static func text(_ values: [JSON], first: [String] = YAMLDocument.objectOrder) -> String {
        YAMLWriter(first: first).text(values)
    }

    /// How people write Kubernetes objects.
    package static let objectOrder = ["apiVersion", "kind", "type", "mesh", "name", "metadata", "spec", "data", "status"]

    private static func json(_ text: String) -> JSON? {
        guard let start = text.first(where: { !$0.isWhitespace }), start == "{" || start == "[" else { return nil }
        return try? JSON(parsing: text)
    }
}
