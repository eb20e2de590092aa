import JSONModel

/// One column of a Table answer.
struct Column: Sendable {
    enum Source: Sendable {
        case name
        /// Time since `metadata.creationTimestamp`.
        case age
        case path(JSONPath)
        /// Time since a moment that the object names.
        case since(@Sendable (JSON) -> String?)
        case computed(@Sendable (JSON) -> JSON)
    }

    var name: String
    var type: String = "string"
    var format: String = ""
    var summary: String = ""
    /// 0 shows always, 1 with `-o wide`.
    var priority: Int = 0
    var source: Source
}
