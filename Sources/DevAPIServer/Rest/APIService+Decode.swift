import FoundationEssentials
import JSONModel
import YAMLDocument

extension APIService {
    static let bodyTypes = ["application/json", "application/yaml", KubernetesProtobuf.mediaType]

    /// Reads a request's body as one object of the call's kind (or of another, for subresources).
    func decodeBody(_ call: Call, as type: ResourceType) throws(APIError) -> JSON {
        try Self.checkIdentity(try self.parseBody(call.request, typeName: type.schema.node.typeName ?? ""), as: type)
    }

    /// Reads a body by its media type.
    func parseBody(_ request: APIRequest, typeName: String) throws(APIError) -> JSON {
        switch request.mediaType {
        case "application/json", "": return try Self.parse(request.body, isYAML: false)
        case "application/yaml": return try Self.parse(request.body, isYAML: true)
        case KubernetesProtobuf.mediaType where !typeName.isEmpty && !typeName.contains("."):
            do { return try self.protobuf.decode(request.body, typeName: typeName) } catch {
                throw .badRequest("the protobuf body of the request cannot be read: \(error)")
            }
        default: throw .unsupportedMediaType(request.mediaType, accepted: Self.bodyTypes)
        }
    }

    static func parse(_ body: Data, isYAML: Bool) throws(APIError) -> JSON {
        do {
            let value =
                isYAML ? try YAMLDocument.parseOne(String(decoding: body, as: UTF8.self), file: "request body") : try JSON(parsing: body)
            guard value.object != nil || value.array != nil else { throw APIError.badRequest("the body must be an object") }
            return value
        } catch let error as APIError {
            throw error
        } catch {
            throw .badRequest("the body of the request cannot be read: \(error)")
        }
    }

    static func checkIdentity(_ object: JSON, as type: ResourceType) throws(APIError) -> JSON {
        var object = object
        guard object.object != nil else { throw .badRequest("the body must be an object") }
        let kind = object["kind"]?.string ?? type.kind
        let version = object["apiVersion"]?.string ?? type.apiVersion
        guard kind == type.kind, version == type.apiVersion else {
            throw .badRequest(
                "\(kind) in version \"\(version.split(separator: "/").last ?? "")\" cannot be handled as a \(type.kind): converting "
                    + "(\(version), Kind=\(kind)) to (\(type.apiVersion), Kind=\(type.kind)): unknown conversion")
        }
        object["kind"] = JSON(kind)
        object["apiVersion"] = JSON(version)
        if object["metadata"] == nil || object["metadata"] == .null { object["metadata"] = [:] }
        return object
    }

    /// Prunes, fills in defaults and completes; what was unknown refuses or warns as the request asked.
    /// - Returns: warnings for the client
    func normalize(_ object: inout JSON, old: JSON?, call: Call, type: ResourceType) throws -> [String] {
        var unknown: [String] = []
        let strictness = call.request.query["fieldValidation"] ?? "Warn"
        unknown = type.schema.prune(&object)
        if !unknown.isEmpty, strictness == "Strict" {
            throw APIError.badRequest(
                "\(type.kind) in version \"\(type.version)\" cannot be handled as a \(type.kind): strict decoding error: "
                    + unknown.map { "unknown field \"\($0)\"" }.joined(separator: ", "))
        }
        try self.checkTypes(object, type)
        type.schema.fillDefaults(&object)
        type.behaviour.complete?(&object, old)
        return strictness == "Ignore" ? [] : unknown.map { "unknown field \"\($0)\"" }
    }

    /// A built-in kind with a value of the wrong type cannot even be decoded.
    private func checkTypes(_ object: JSON, _ type: ResourceType) throws(APIError) {
        guard !type.isCustom else { return }
        let wrong = type.schema.validate(object).filter { $0.reason == .typeInvalid }
        guard let first = wrong.first else { return }
        throw .badRequest(
            "\(type.kind) in version \"\(type.version)\" cannot be handled as a \(type.kind): json: cannot unmarshal into "
                + "\(type.kind).\(first.field): \(first.message)")
    }

    /// All that can be wrong with an object's values.
    func validate(_ object: JSON, old: JSON?, type: ResourceType) throws {
        var errors = NameRules.checkLabels(object)
        if old == nil { errors += NameRules.check(name: object.meta("name") ?? "", of: type) }
        let structural = type.schema.validate(object)
        errors += structural + (type.behaviour.validate?(object, old) ?? [])
        // As the real one: rules run unless a value is of the wrong type, missing or beyond its bounds.
        let blocking: [FieldError.Reason] = [.required, .typeInvalid, .tooLong, .tooMany]
        if type.isCustom, !structural.contains(where: { blocking.contains($0.reason) }) {
            errors += type.schema.checkRules(object, old: old)
        }
        var seen: Set<FieldError> = []
        errors = errors.filter { seen.insert($0).inserted }
        if !errors.isEmpty { throw APIError.invalid(type, object.meta("name") ?? "", errors) }
    }
}
