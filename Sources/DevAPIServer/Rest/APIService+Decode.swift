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
        if type.isCustom, object["kind"]?.string?.isEmpty ?? true {
            throw .badRequest(
                "the object provided is unrecognized (must be of type \(type.kind)): Object 'Kind' is missing in '\(object.text)'")
        }
        let kind = object["kind"]?.string ?? type.kind
        let version = object["apiVersion"]?.string ?? type.apiVersion
        if type.isCustom, kind == type.kind, version != type.apiVersion {
            throw .badRequest(
                "the API version in the data (\(version)) does not match the expected API version (\(type.apiVersion))")
        }
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
        guard let problem = type.schema.decodingProblem(object) else { return }
        throw .badRequest("\(type.kind) in version \"\(type.version)\" cannot be handled as a \(type.kind): \(problem)")
    }

    /// All that can be wrong with an object's values.
    func validate(_ object: JSON, old: JSON?, type: ResourceType) throws {
        var errors = NameRules.check(metadata: object["metadata"], at: "metadata")
        if old == nil { errors += NameRules.check(name: object.meta("name") ?? "", of: type) }
        let structural = type.schema.validate(object)
        errors += structural + (type.behaviour.validate?(object, old) ?? [])
        if type.isCustom, type.schema.hasRules {
            // As the real one: rules run on objects whose shape they can rely on.
            let blocking: [FieldError.Reason] = [.required, .typeInvalid, .tooLong, .tooMany, .unsupported]
            if structural.contains(where: { blocking.contains($0.reason) }) {
                errors.append(
                    .invalid(
                        "<nil>", .null,
                        "some validation rules were not checked because the object was invalid; correct the existing errors to complete "
                            + "validation"))
            } else {
                errors += type.schema.checkRules(object, old: old)
            }
        }
        var seen: Set<FieldError> = []
        errors = errors.filter { seen.insert($0).inserted }
        if !errors.isEmpty { throw APIError.invalid(type, object.meta("name") ?? "", errors) }
    }
}
