/// A place in an object as the API prints it: `spec.containers[0].name`, `metadata.labels[a.b/c]`.
struct FieldPath: Hashable, Sendable {
    private(set) var text: String

    init(_ text: String = "") { self.text = text }

    func member(_ name: String) -> Self { Self(self.text.isEmpty ? name : "\(self.text).\(name)") }
    func index(_ index: Int) -> Self { Self("\(self.text)[\(index)]") }
    /// A key of a map rather than a declared field.
    func key(_ key: String) -> Self { Self("\(self.text)[\(key)]") }

    /// What stands for the root.
    var orRoot: String { self.text.isEmpty ? "<nil>" : self.text }
}
