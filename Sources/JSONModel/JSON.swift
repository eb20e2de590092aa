/// Any JSON value: the form in which Kubernetes objects, settings files and API bodies cross module borders
/// before a typed initialiser reads them.
///
/// Numbers keep what Kubernetes keeps: a 64-bit integer where the text is one, a double otherwise.
package enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])
}

extension JSON {
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    package var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }

    /// The value as an integer; a double without a fraction counts, as it does for the Kubernetes API.
    package var int: Int? {
        switch self {
        case .int(let value): Int(exactly: value)
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    package var isNull: Bool { self == .null }

    /// The JSON type's name as OpenAPI spells it, for error messages.
    package var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .int: "integer"
        case .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

extension JSON {
    /// A member of an object. Reading anything else gives nil. Writing nil removes the member; writing into a value
    /// that is not an object replaces that value by an object.
    package subscript(_ key: String) -> JSON? {
        get { if case .object(let members) = self { members[key] } else { nil } }
        set {
            var members = self.object ?? [:]
            self = .null  // Gives up our reference, so that the dictionary is changed in place.
            members[key] = newValue
            self = .object(members)
        }
    }

    /// An element of an array, or nil where there is none.
    package subscript(_ index: Int) -> JSON? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// Walks member names: `json.at("spec", "networking", "port")`.
    package func at(_ path: String...) -> JSON? { self.at(path) }

    package func at(_ path: some Sequence<String>) -> JSON? {
        var value = self
        for key in path {
            guard let next = value[key] else { return nil }
            value = next
        }
        return value
    }

    /// Sets the value at a path of member names, making objects on the way; nil removes it.
    package mutating func set(_ path: some Collection<String>, to value: JSON?) {
        guard let key = path.first else {
            self = value ?? .null
            return
        }
        if path.count == 1 {
            self[key] = value
        } else {
            if value == nil, self[key] == nil { return }
            var child = self[key] ?? .object([:])
            self[key] = .null
            child.set(path.dropFirst(), to: value)
            self[key] = child
        }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
    package init(nilLiteral: ()) { self = .null }

    package init(_ value: Int) { self = .int(Int64(value)) }
    package init(_ value: String) { self = .string(value) }
    package init(_ value: Bool) { self = .bool(value) }
}
