import JSONModel

/// What a field is reproached with, in the words and codes of a Kubernetes API server.
struct FieldError: Hashable, Sendable {
    enum Reason: String, Sendable {
        case required = "FieldValueRequired"
        case invalid = "FieldValueInvalid"
        case unsupported = "FieldValueNotSupported"
        case duplicate = "FieldValueDuplicate"
        case forbidden = "FieldValueForbidden"
        case typeInvalid = "FieldValueTypeInvalid"
        case tooLong = "FieldValueTooLong"
        case tooMany = "FieldValueTooMany"
        case notFound = "FieldValueNotFound"
    }

    let reason: Reason
    /// `spec.template.spec.containers[0].name`
    let field: String
    /// `Invalid value: "x": must be y`
    let message: String

    var sentence: String { "\(self.field): \(self.message)" }

    static func required(_ field: String, _ detail: String = "") -> Self {
        Self(reason: .required, field: field, message: detail.isEmpty ? "Required value" : "Required value: \(detail)")
    }

    static func invalid(_ field: String, _ value: JSON, _ detail: String) -> Self {
        Self(reason: .invalid, field: field, message: "Invalid value: \(value.goText): \(detail)")
    }

    static func typeInvalid(_ field: String, _ value: JSON, _ detail: String) -> Self {
        Self(reason: .typeInvalid, field: field, message: "Invalid value: \(value.goText): \(detail)")
    }

    static func forbidden(_ field: String, _ detail: String) -> Self {
        Self(reason: .forbidden, field: field, message: "Forbidden: \(detail)")
    }

    static func duplicate(_ field: String, _ value: JSON) -> Self {
        Self(reason: .duplicate, field: field, message: "Duplicate value: \(value.goText)")
    }

    static func unsupported(_ field: String, _ value: JSON, choices: [JSON]) -> Self {
        let list = choices.map { $0.string == nil ? "\"\($0.goText)\"" : $0.goText }.joined(separator: ", ")
        return Self(reason: .unsupported, field: field, message: "Unsupported value: \(value.goText): supported values: \(list)")
    }
}

extension JSON {
    /// How field errors print a value: strings quoted, objects and lists as JSON, as current API servers do.
    var goText: String {
        switch self {
        case .object(let members) where members.isEmpty: "{}"
        case .double(let value) where value == value.rounded() && abs(value) < 1e6: "\(Int64(value))"
        case .double(let value) where value == value.rounded() && abs(value) < 1e15: Self.withExponent(Int64(value))
        default: self.text
        }
    }

    /// `1.5e+06`: how Go prints a floating-point number of a million and more.
    private static func withExponent(_ value: Int64) -> String {
        let digits = String(value.magnitude)
        let exponent = digits.count - 1
        let fraction = String(digits.dropFirst().reversed().drop { $0 == "0" }.reversed())
        let mantissa = "\(digits.prefix(1))\(fraction.isEmpty ? "" : ".\(fraction)")"
        return "\(value < 0 ? "-" : "")\(mantissa)e+\(exponent < 10 ? "0" : "")\(exponent)"
    }
}

/// A refusal: becomes a `Status` body with its HTTP code.
struct APIError: Error, Hashable, Sendable {
    var code: Int
    var reason: String
    var message: String
    var details: JSON?
    var retryAfter: Int?

    init(code: Int, reason: String, message: String, details: JSON? = nil) {
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
    }

    var status: JSON {
        var status: JSON = ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure"]
        status["message"] = JSON(self.message)
        if !self.reason.isEmpty { status["reason"] = JSON(self.reason) }
        status["details"] = self.details
        status["code"] = JSON(self.code)
        return status
    }
}

extension APIError {
    private static func details(_ type: ResourceType, _ name: String, kind: String? = nil, causes: [JSON] = []) -> JSON {
        var details: JSON = [:]
        if !name.isEmpty { details["name"] = JSON(name) }
        if !type.group.isEmpty { details["group"] = JSON(type.group) }
        details["kind"] = JSON(kind ?? type.plural)
        if !causes.isEmpty { details["causes"] = .array(causes) }
        return details
    }

    static func notFound(_ type: ResourceType, _ name: String) -> Self {
        Self(code: 404, reason: "NotFound", message: "\(type.qualifiedName) \"\(name)\" not found", details: self.details(type, name))
    }

    static let unknownPath = Self(
        code: 404, reason: "NotFound", message: "the server could not find the requested resource", details: [:])

    static func alreadyExists(_ type: ResourceType, _ name: String) -> Self {
        Self(
            code: 409, reason: "AlreadyExists", message: "\(type.qualifiedName) \"\(name)\" already exists",
            details: self.details(type, name))
    }

    static func conflict(_ type: ResourceType, _ name: String, _ cause: String) -> Self {
        Self(
            code: 409, reason: "Conflict", message: "Operation cannot be fulfilled on \(type.qualifiedName) \"\(name)\": \(cause)",
            details: self.details(type, name))
    }

    static func outdated(_ type: ResourceType, _ name: String) -> Self {
        self.conflict(type, name, "the object has been modified; please apply your changes to the latest version and try again")
    }

    /// - Parameter asResource: a few refusals name the resource where the others name the kind
    static func invalid(_ type: ResourceType, _ name: String, _ errors: [FieldError], asResource: Bool = false) -> Self {
        let sentences = errors.map(\.sentence)
        let list = sentences.count == 1 ? sentences[0] : "[\(sentences.joined(separator: ", "))]"
        let causes = errors.map { error -> JSON in
            ["reason": JSON(error.reason.rawValue), "message": JSON(error.message), "field": JSON(error.field)]
        }
        return Self(
            code: 422, reason: "Invalid",
            message: "\(asResource ? type.qualifiedName : type.qualifiedKind) \"\(name)\" is invalid: \(list)",
            details: self.details(type, name, kind: asResource ? type.plural : type.kind, causes: causes))
    }

    static func badRequest(_ message: String) -> Self { Self(code: 400, reason: "BadRequest", message: message) }

    static func forbidden(_ type: ResourceType, _ name: String, _ cause: String) -> Self {
        Self(
            code: 403, reason: "Forbidden", message: "\(type.qualifiedName) \"\(name)\" is forbidden: \(cause)",
            details: self.details(type, name))
    }

    static func methodNotAllowed(_ verb: String) -> Self {
        Self(
            code: 405, reason: "MethodNotAllowed", message: "the server does not allow this method on the requested resource",
            details: [:])
    }

    static let unauthorized = Self(code: 401, reason: "Unauthorized", message: "Unauthorized")

    static func unsupportedMediaType(_ offered: String, accepted: [String]) -> Self {
        Self(
            code: 415, reason: "UnsupportedMediaType",
            message: "the body of the request was in an unknown format - accepted media types include: \(accepted.joined(separator: ", "))")
    }

    static func expired(_ message: String) -> Self { Self(code: 410, reason: "Expired", message: message) }

    static func internalError(_ message: String) -> Self { Self(code: 500, reason: "", message: message) }
}
