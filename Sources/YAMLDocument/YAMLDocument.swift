package import JSONModel

/// YAML as Kubernetes reads it, into JSON values.
package enum YAMLDocument {
    /// Every document of a stream that holds anything. `file` is only for messages.
    package static func parse(_ text: String, file: String = "<input>") throws(YAMLError) -> [JSON] { fatalError("follows") }

    /// The one document of a file; null when it holds none. Several are an error.
    package static func parseOne(_ text: String, file: String = "<input>") throws(YAMLError) -> JSON { fatalError("follows") }

    /// Block style. Members come sorted by name, those in `first` before the others at the top level.
    package static func text(_ value: JSON, first: [String] = YAMLDocument.objectOrder) -> String { fatalError("follows") }

    /// Several documents separated by `---`.
    package static func text(_ values: [JSON], first: [String] = YAMLDocument.objectOrder) -> String { fatalError("follows") }

    /// How people write Kubernetes objects.
    package static let objectOrder = ["apiVersion", "kind", "type", "mesh", "name", "metadata", "spec", "data", "status"]
}
