import FoundationEssentials
import JSONModel

/// Built-in types, written as a table:
///
///     Probe                                   a type; `atomic` after the name: owned as a whole
///       httpGet HTTPGetAction
///       periodSeconds int32 =10               with its default
///       name! string                          required
///       type string(RollingUpdate|Recreate)   one of
///       ports [ContainerPort]:map(containerPort,protocol)    list joined by these keys; `:set` and atomic lists exist too
///       labels {string}                       map, `:atomic` when owned as a whole
///
/// `retain` at the end marks strategic merge's retainKeys; `patchkey(k)` a merge key that is not the first map key.
struct TypeTable: Sendable {
    private var types: [String: Declaration] = [:]
    private var built: [String: Schema] = [:]

    private struct Declaration: Sendable {
        var isAtomic = false
        var fields: [Substring] = []
    }

    /// The text is ours: a mistake in it is a broken invariant, found by the first test that loads the kinds.
    init(_ texts: String...) {
        for text in texts {
            var current: String?
            for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
                if line.first == " " {
                    guard let current else { preconditionFailure("a field stands before any type: \(line)") }
                    self.types[current]?.fields.append(line)
                } else {
                    let words = line.split(separator: " ")
                    current = String(words[0])
                    precondition(self.types[String(words[0])] == nil, "type \(words[0]) is declared twice")
                    self.types[String(words[0])] = Declaration(isAtomic: words.dropFirst().first == "atomic")
                }
            }
        }
        for name in self.types.keys.sorted() { _ = self.build(name) }
    }

    subscript(_ name: String) -> Schema {
        guard let schema = self.built[name] else { preconditionFailure("no type \(name)") }
        return schema
    }

    private mutating func build(_ name: String) -> Schema {
        if let schema = self.built[name] { return schema }
        guard let declaration = self.types[name] else { preconditionFailure("no type \(name)") }
        var node = Schema.Node(form: .object, typeName: name, isAtomic: declaration.isAtomic)
        for line in declaration.fields {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            var fieldName = words[0]
            if fieldName.last == "!" {
                fieldName.removeLast()
                node.required.append(String(fieldName))
            }
            var field = self.type(String(words[1]))
            for (index, word) in words.enumerated().dropFirst(2) {
                if word.first == "=" {
                    // A default may contain spaces: it is the rest of the line.
                    let text = words[index...].joined(separator: " ").dropFirst()
                    guard let value = try? JSON(parsing: String(text)) else { preconditionFailure("not a default: \(line)") }
                    field.defaultValue = value
                    break
                } else if word == "retain" {
                    field.retainsKeys = true
                } else if word.hasPrefix("patchkey(") {
                    field.patchMergeKey = String(word.dropFirst("patchkey(".count).dropLast())
                } else {
                    preconditionFailure("unknown word \(word) in \(line)")
                }
            }
            node.properties[String(fieldName)] = Schema(field)
        }
        let schema = Schema(node)
        self.built[name] = schema
        return schema
    }

    private mutating func type(_ text: String) -> Schema.Node {
        if text.first == "[" { return self.list(text) }
        if text.first == "{" {
            let isAtomic = text.hasSuffix(":atomic")
            let inside = text.dropFirst().dropLast(isAtomic ? ":atomic".count + 1 : 1)
            var value = self.type(String(inside))
            // Go has no null text: a map's null is its zero value.
            if value.form == .string, value.format == nil { value.defaultValue = "" }
            return Schema.Node(form: .object, additionalProperties: Schema(value), isAtomic: isAtomic)
        }
        if text.hasPrefix("string(") {
            let choices = text.dropFirst("string(".count).dropLast().split(separator: "|").map { JSON(String($0)) }
            return Schema.Node(form: .string, choices: choices)
        }
        switch text {
        case "string": return Schema.Node(form: .string)
        case "bool": return Schema.Node(form: .boolean)
        case "int32", "int64": return Schema.Node(form: .integer, format: text)
        case "double": return Schema.Node(form: .number)
        case "time": return Schema.Node(form: .string, isNullable: true, format: "date-time")
        case "microtime": return Schema.Node(form: .string, isNullable: true, format: "date-time")
        case "bytes": return Schema.Node(form: .string, format: "byte")
        case "intstr", "quantity": return Schema.Node(isIntOrString: true)
        case "object": return Schema.Node(form: .object, preservesUnknownFields: true)
        case "any": return Schema.Node(preservesUnknownFields: true)
        default: return self.build(text).node
        }
    }

    /// `[T]`, `[T]:set`, `[T]:map(a,b)`, `[T]:key(a)` — the last joins by a key in strategic merge but is atomic in apply.
    private mutating func list(_ text: String) -> Schema.Node {
        guard let end = text.lastIndex(of: "]") else { preconditionFailure("unclosed list \(text)") }
        let element = self.type(String(text[text.index(after: text.startIndex)..<end]))
        var node = Schema.Node(form: .array, items: Schema(element))
        let suffix = text[text.index(after: end)...]
        let keys = suffix.split(separator: "(").last.map { $0.dropLast().split(separator: ",").map(String.init) } ?? []
        if suffix.hasPrefix(":set") {
            node.list = .set
            node.mergesPrimitives = true
        } else if suffix.hasPrefix(":map(") {
            node.list = .map(keys: keys)
            node.patchMergeKey = keys[0]
        } else if suffix.hasPrefix(":key(") {
            node.patchMergeKey = keys[0]
        } else {
            precondition(suffix.isEmpty, "unknown list form \(text)")
        }
        return node
    }
}
