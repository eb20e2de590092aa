import JSONModel

@testable import DevAPIServer

/// Definitions that a real API server refuses, each for one reason, and near ones that it takes.
enum UnsoundDefinitions {
    /// A title and `Samples.definition` with one thing changed.
    static let all: [(title: String, definition: JSON)] =
        Self.schemas.map { ($0, Self.changing(["schema", "openAPIV3Schema"] + $1.split(separator: ".").map(String.init), to: $2)) }
        + Self.versions.map { ($0, Self.changing($1.split(separator: ".").map(String.init), to: $2)) }
        + Self.others.map { title, path, value in
            var definition = Samples.definition
            definition.set(path.split(separator: ".").map(String.init), to: value)
            return (title, definition)
        }

    private static func changing(_ path: [String], to value: JSON?) -> JSON {
        var definition = Samples.definition
        var version = definition.at("spec", "versions")?[0] ?? [:]
        version.set(path, to: value)
        definition.set(["spec", "versions"], to: [version])
        return definition
    }

    private static let spec = "properties.spec.properties"

    private static let schemas: [(String, String, JSON?)] = [
        ("nothing changed", "\(spec).size.maximum", 10),
        ("no type", "\(spec).size", ["minimum": 1]),
        ("an unknown type", "\(spec).size", ["type": "whole"]),
        ("the root is a text", "type", "string"),
        ("members and a map", "\(spec).tags.properties", ["a": ["type": "string"]]),
        ("a map of nothing", "\(spec).tags.additionalProperties", false),
        ("a default of another type", "\(spec).size.default", "x"),
        ("a default beyond the limit", "\(spec).size.default", 99),
        ("a default that is no choice", "\(spec).colour.default", "green"),
        ("a default with an unknown member", "\(spec).tags", ["type": "object", "properties": [:], "default": ["a": 1]]),
        ("a default of null", "\(spec).size.default", .null),
        ("a choice of another type", "\(spec).size.enum", ["x"]),
        ("the same choice twice", "\(spec).colour.enum", ["red", "red"]),
        ("a required member that is not declared", "properties.spec.required", ["size", "weight"]),
        ("a list with no elements declared", "\(spec).parts", ["type": "array"]),
        ("a keyed list without keys", "\(spec).parts.x-kubernetes-list-map-keys", nil),
        ("a key that may be missing", "\(spec).parts.items.required", nil),
        ("a key that is not declared", "\(spec).parts.x-kubernetes-list-map-keys", ["title"]),
        ("a key twice", "\(spec).parts.x-kubernetes-list-map-keys", ["name", "name"]),
        ("a key that is an object", "\(spec).parts.items.properties.name", ["type": "object"]),
        ("a key that may be null", "\(spec).parts.items.properties.name", ["type": "string", "nullable": true]),
        ("a keyed list of texts", "\(spec).parts.items", ["type": "string"]),
        ("keys without a keyed list", "\(spec).parts.x-kubernetes-list-type", nil),
        ("a set of objects", "\(spec).parts", ["type": "array", "x-kubernetes-list-type": "set", "items": ["type": "object"]]),
        ("an unknown kind of list", "\(spec).parts", ["type": "array", "x-kubernetes-list-type": "bag", "items": ["type": "string"]]),
        ("a list's word on a text", "\(spec).name.x-kubernetes-list-type", "set"),
        ("an unknown kind of map", "\(spec).tags.x-kubernetes-map-type", "loose"),
        ("a map's word on a text", "\(spec).name.x-kubernetes-map-type", "atomic"),
        ("a broken pattern", "\(spec).name.pattern", "("),
        ("unique elements", "\(spec).parts.uniqueItems", true),
        ("a reference", "\(spec).size.$ref", "#/definitions/x"),
        ("elements one by one", "\(spec).parts.items", [["type": "object"]]),
        ("a type in an alternative", "\(spec).size.anyOf", [["type": "integer"]]),
        ("an undeclared member in an alternative", "properties.spec.anyOf", [["properties": ["weight": ["minimum": 1]]]]),
        (
            "an alternative about a declared member", "properties.spec.anyOf",
            [["required": ["size"]], ["properties": ["size": ["minimum": 3]]]]
        ),
        ("a default in an alternative", "properties.spec.anyOf", [["properties": ["size": ["default": 1]]]]),
        ("a description in a negation", "properties.spec.not", ["description": "x"]),
        ("an int-or-string with a type", "\(spec).port.type", "string"),
        ("kept members of a text", "\(spec).name.x-kubernetes-preserve-unknown-fields", true),
        ("members not kept", "\(spec).free.x-kubernetes-preserve-unknown-fields", false),
        ("an embedded resource that is a text", "\(spec).name.x-kubernetes-embedded-resource", true),
        ("an embedded resource without members", "\(spec).tags", ["type": "object", "x-kubernetes-embedded-resource": true]),
        ("a word about a label", "properties.metadata", ["type": "object", "properties": ["labels": ["type": "object"]]]),
        ("a word about the name", "properties.metadata", ["type": "object", "properties": ["name": ["type": "string", "maxLength": 9]]]),
        ("metadata that is a text", "properties.metadata", ["type": "string"]),
        ("an apiVersion that is a number", "properties.apiVersion", ["type": "integer"]),
        ("a rule about a member that is not declared", "properties.spec.x-kubernetes-validations", [["rule": "has(self.networking)"]]),
        (
            "a rule's place that is not declared", "\(spec).name.x-kubernetes-validations",
            [["rule": "self != ''", "fieldPath": ".weight", "message": "m"]]
        ),
        ("a rule about a text", "\(spec).name.x-kubernetes-validations", [["rule": "self != ''", "message": "m"]]),
        ("a negative length", "\(spec).name.maxLength", -1),
        ("limits on a text that are for numbers", "\(spec).name.maximum", 3),
    ]

    private static let versions: [(String, String, JSON?)] = [
        ("no schema", "schema", nil),
        ("a version called 1", "name", "1"),
        ("a version that is not stored", "storage", false),
        ("a version that is not served", "served", false),
        ("a column without a path", "additionalPrinterColumns", [["name": "Size", "type": "integer", "jsonPath": ""]]),
        ("a column without a name", "additionalPrinterColumns", [["type": "integer", "jsonPath": ".spec.size"]]),
        ("a column of an unknown type", "additionalPrinterColumns", [["name": "Size", "type": "whole", "jsonPath": ".spec.size"]]),
        (
            "a column of an unknown format", "additionalPrinterColumns",
            [["name": "S", "type": "integer", "format": "x", "jsonPath": ".spec"]]
        ),
        ("a scale without the status", "subresources.scale", ["specReplicasPath": ".spec.replicas"]),
        ("a scale without the specification", "subresources.scale", ["statusReplicasPath": ".status.replicas"]),
        (
            "a scale that reads the status", "subresources.scale",
            ["specReplicasPath": ".status.replicas", "statusReplicasPath": ".status.replicas"]
        ),
        (
            "a scale that writes the specification", "subresources.scale",
            ["specReplicasPath": ".spec.replicas", "statusReplicasPath": ".spec.replicas"]
        ),
        ("a selectable field that is an object", "selectableFields", [["jsonPath": ".spec.tags"]]),
        ("a selectable field that is not declared", "selectableFields", [["jsonPath": ".spec.weight"]]),
        ("a selectable field", "selectableFields", [["jsonPath": ".spec.colour"]]),
        ("a selectable field twice", "selectableFields", [["jsonPath": ".spec.colour"], ["jsonPath": ".spec.colour"]]),
    ]

    private static let others: [(String, String, JSON?)] = [
        ("no versions", "spec.versions", []),
        ("no group", "spec.group", nil),
        ("a group of one word", "spec.group", "example"),
        ("a group in capitals", "spec.group", "Example.com"),
        ("no scope", "spec.scope", nil),
        ("an unknown scope", "spec.scope", "Zoned"),
        ("no kind", "spec.names.kind", nil),
        ("a kind with a space", "spec.names.kind", "A widget"),
        ("no plural", "spec.names.plural", nil),
        ("a plural in capitals", "spec.names.plural", "Widgets"),
        ("a singular in capitals", "spec.names.singular", "Widget"),
        ("the list called as the kind", "spec.names.listKind", "Widget"),
        ("a short name with a space", "spec.names.shortNames", ["w g"]),
        ("a category in capitals", "spec.names.categories", ["All"]),
        ("unknown fields kept", "spec.preserveUnknownFields", true),
        ("another name", "metadata.name", "other.example.com"),
    ]
}
