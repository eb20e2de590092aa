import FoundationEssentials
import JSONModel

/// A Swagger 2.0 document in the protobuf form of gnostic's `openapi.v2.Document`, which kubectl and Helm ask for.
enum SwaggerProtobuf {
    /// Clients ask for `…v2@v1.0+protobuf`, but `@` is no character of a media type: servers answer with this.
    static let mediaType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

    static func encode(_ document: JSON) -> Data {
        var writer = ProtobufWriter()
        writer.string(1, document["swagger"]?.string)
        writer.message(2) { info in
            info.string(1, document.at("info", "title")?.string)
            info.string(2, document.at("info", "version")?.string)
        }
        writer.message(8) { paths in
            for (path, item) in Self.sorted(document["paths"]) {
                paths.message(2) { named in
                    named.string(1, path)
                    named.message(2) { Self.pathItem(item, &$0) }
                }
            }
        }
        writer.message(9) { definitions in Self.named(document["definitions"], &definitions) }
        return Data(writer.bytes)
    }

    private static func sorted(_ object: JSON?) -> [(key: String, value: JSON)] {
        (object?.object ?? [:]).sorted { $0.key < $1.key }
    }

    /// `repeated NamedSchema additional_properties = 1`
    private static func named(_ schemas: JSON?, _ writer: inout ProtobufWriter) {
        for (name, schema) in Self.sorted(schemas) {
            writer.message(1) { entry in
                entry.string(1, name)
                entry.message(2) { Self.schema(schema, &$0) }
            }
        }
    }

    private static func schema(_ json: JSON, _ writer: inout ProtobufWriter) {
        writer.string(1, json["$ref"]?.string)
        writer.string(2, json["format"]?.string)
        writer.string(4, json["description"]?.string)
        if let value = json["default"] { writer.message(5) { Self.any(value, &$0) } }
        writer.double(6, Self.number(json["multipleOf"]))
        writer.double(7, Self.number(json["maximum"]))
        writer.bool(8, json["exclusiveMaximum"]?.bool)
        writer.double(9, Self.number(json["minimum"]))
        writer.bool(10, json["exclusiveMinimum"]?.bool)
        writer.int(11, json["maxLength"]?.int)
        writer.int(12, json["minLength"]?.int)
        writer.string(13, json["pattern"]?.string)
        writer.int(14, json["maxItems"]?.int)
        writer.int(15, json["minItems"]?.int)
        writer.bool(16, json["uniqueItems"]?.bool)
        writer.int(17, json["maxProperties"]?.int)
        writer.int(18, json["minProperties"]?.int)
        for name in json["required"]?.array ?? [] { writer.string(19, name.string) }
        for choice in json["enum"]?.array ?? [] { writer.message(20) { Self.any(choice, &$0) } }
        if let common = json["additionalProperties"] { writer.message(21) { $0.message(1) { Self.schema(common, &$0) } } }
        if let type = json["type"]?.string { writer.message(22) { $0.string(1, type) } }
        if let items = json["items"] { writer.message(23) { $0.message(1) { Self.schema(items, &$0) } } }
        if let properties = json["properties"] { writer.message(25) { Self.named(properties, &$0) } }
        Self.extensions(json, field: 31, &writer)
    }

    private static func number(_ json: JSON?) -> Double? {
        switch json {
        case .double(let value): value
        case .int(let value): Double(value)
        default: nil
        }
    }

    /// `Any.yaml`: JSON is YAML.
    private static func any(_ value: JSON, _ writer: inout ProtobufWriter) { writer.string(2, value.text) }

    private static func extensions(_ json: JSON, field: Int, _ writer: inout ProtobufWriter) {
        for (name, value) in Self.sorted(json) where name.hasPrefix("x-") {
            writer.message(field) { entry in
                entry.string(1, name)
                entry.message(2) { Self.any(value, &$0) }
            }
        }
    }

    private static func pathItem(_ item: JSON, _ writer: inout ProtobufWriter) {
        for (field, name) in [(2, "get"), (3, "put"), (4, "post"), (5, "delete"), (8, "patch")] {
            guard let operation = item[name] else { continue }
            writer.message(field) { Self.operation(operation, &$0) }
        }
    }

    private static func operation(_ operation: JSON, _ writer: inout ProtobufWriter) {
        for parameter in operation["parameters"]?.array ?? [] {
            // ParametersItem.parameter → Parameter.non_body_parameter → NonBodyParameter.query_parameter_sub_schema
            writer.message(8) { item in
                item.message(1) { oneParameter in
                    oneParameter.message(2) { nonBody in
                        nonBody.message(3) { query in
                            query.string(2, "query")
                            query.string(4, parameter["name"]?.string)
                            query.string(6, "string")
                        }
                    }
                }
            }
        }
        writer.message(9) { responses in
            responses.message(1) { named in
                named.string(1, "200")
                named.message(2) { value in value.message(1) { $0.string(1, "OK") } }
            }
        }
        Self.extensions(operation, field: 13, &writer)
    }
}
