import JSONModel

/// One node of a structural schema, for built-in kinds (from `TypeTable`) and for custom resources (from their CRD) alike.
/// Defaulting, pruning, validation, merge keys and field ownership all read it.
final class Schema: Sendable {
    enum Form: String, Sendable { case object, array, string, integer, number, boolean }

    /// How a list's elements are told apart, as `x-kubernetes-list-type` says.
    enum ListForm: Equatable, Sendable {
        case atomic
        case set
        case map(keys: [String])
    }

    struct Node: Sendable {
        /// nil: anything goes.
        var form: Form?
        /// The name under which OpenAPI shares this type.
        var typeName: String?
        var summary: String?
        var properties: [String: Schema] = [:]
        var additionalProperties: Schema?
        var items: Schema?
        var list: ListForm = .atomic
        /// The element's member by which a strategic merge patch joins lists; with `mergesPrimitives` it is a set.
        var patchMergeKey: String?
        var mergesPrimitives = false
        /// `retainKeys` of strategic merge: an object with exclusive members.
        var retainsKeys = false
        /// An object owned and replaced as a whole.
        var isAtomic = false
        var required: [String] = []
        var choices: [JSON] = []
        var defaultValue: JSON?
        var isNullable = false
        var preservesUnknownFields = false
        var isIntOrString = false
        var isEmbeddedResource = false
        var format: String?
        var pattern: String?
        var minimum: Double?
        var maximum: Double?
        var exclusiveMinimum = false
        var exclusiveMaximum = false
        var multipleOf: Double?
        var minLength: Int?
        var maxLength: Int?
        var minItems: Int?
        var maxItems: Int?
        var uniqueItems = false
        var minProperties: Int?
        var maxProperties: Int?
        var allOf: [Schema] = []
        var anyOf: [Schema] = []
        var oneOf: [Schema] = []
        var not: Schema?
        var rules: [Rule] = []
    }

    /// One entry of `x-kubernetes-validations`.
    struct Rule: Hashable, Sendable {
        let text: String
        let message: String?
        let reason: String?
        let fieldPath: String?
    }

    let node: Node

    init(_ node: Node) { self.node = node }

    static let anything = Schema(Node(preservesUnknownFields: true))
    static let text = Schema(Node(form: .string))

    /// The schema of an object's member; nil where none is declared.
    func member(_ name: String) -> Schema? { self.node.properties[name] ?? self.node.additionalProperties }
}
