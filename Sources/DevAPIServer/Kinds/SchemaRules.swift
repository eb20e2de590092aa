import JSONModel

/// What a definition's schema must be to count as structural, which a real API server demands of each.
enum SchemaRules {
    /// - Parameter hasStatus: the version has the status subresource
    static func check(root schema: JSON, at path: FieldPath, hasStatus: Bool) -> [FieldError] {
        var errors = Self.check(schema, at: path, isRoot: true)
        if let type = schema["type"]?.string, type != "object", !type.isEmpty {
            errors.append(.invalid(path.member("type").text, JSON(type), "must be object at the root"))
            if hasStatus {
                errors.append(
                    .invalid(
                        path.member("type").text, JSON(type),
                        "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled"))
            }
        }
        return errors + Self.checkIdentity(schema, at: path)
    }

    private static let types = ["array", "boolean", "integer", "number", "object", "string"]

    private static func check(_ schema: JSON, at path: FieldPath, isRoot: Bool = false) -> [FieldError] {
        var errors = Self.checkType(schema, at: path, isRoot: isRoot) + Self.checkMaps(schema, at: path)
        errors += Self.checkList(schema, at: path) + Self.checkDefault(schema, at: path)
        for word in ["allOf", "anyOf", "oneOf"] {
            for (index, child) in (schema[word]?.array ?? []).enumerated() {
                errors += Self.checkCondition(child, at: path.member(word).index(index), of: schema)
            }
        }
        if let child = schema["not"] { errors += Self.checkCondition(child, at: path.member("not"), of: schema) }
        for (name, child) in (schema["properties"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            errors += Self.check(child, at: path.member("properties").key(name))
        }
        if let child = schema["additionalProperties"], child.object != nil {
            errors += Self.check(child, at: path.member("additionalProperties"))
        }
        if let child = schema["items"], child.object != nil { errors += Self.check(child, at: path.member("items")) }
        return errors
    }

    /// Each specified field has a type, unless it is int-or-string or keeps whatever it is given.
    private static func checkType(_ schema: JSON, at path: FieldPath, isRoot: Bool) -> [FieldError] {
        var errors: [FieldError] = []
        let keeps = schema["x-kubernetes-preserve-unknown-fields"]
        let type = schema["type"]?.string ?? ""
        if type.isEmpty, schema["x-kubernetes-int-or-string"] != true, keeps != true {
            errors.append(
                .required(
                    path.member("type").text, isRoot ? "must not be empty at the root" : "must not be empty for specified object fields"))
        } else if !type.isEmpty, !Self.types.contains(type) {
            errors.append(.unsupported(path.member("type").text, JSON(type), choices: Self.types.map { JSON($0) }))
        }
        if keeps == false {
            errors.append(.invalid(path.member("x-kubernetes-preserve-unknown-fields").text, false, "must be true or undefined"))
        }
        if schema["uniqueItems"] == true {
            errors.append(
                .forbidden(
                    path.member("uniqueItems").text, "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"))
        }
        if schema["$ref"] != nil { errors.append(.forbidden(path.member("$ref").text, "$ref is not supported")) }
        guard schema["x-kubernetes-embedded-resource"] == true else { return errors }
        if type != "object" {
            errors.append(
                .invalid(path.member("type").text, JSON(type), "must be object if x-kubernetes-embedded-resource is true"))
        }
        if schema["properties"]?.object?.isEmpty ?? true, keeps != true {
            errors.append(
                .required(
                    path.member("properties").text,
                    "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"))
        }
        return errors
    }

    private static func checkMaps(_ schema: JSON, at path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        if schema["additionalProperties"]?.object != nil, schema["properties"]?.object?.isEmpty == false {
            errors.append(
                .forbidden(path.member("additionalProperties").text, "additionalProperties and properties are mutual exclusive"))
        }
        guard let form = schema["x-kubernetes-map-type"] else { return errors }
        if schema["type"] != "object" {
            errors.append(
                .invalid(path.member("type").text, schema["type"] ?? "", "must be object if x-kubernetes-map-type is specified"))
        }
        if !["atomic", "granular"].contains(form) {
            errors.append(.unsupported(path.member("x-kubernetes-map-type").text, form, choices: ["atomic", "granular"]))
        }
        return errors
    }

    private static func checkList(_ schema: JSON, at path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        let items = path.member("items")
        if schema["type"] == "array", schema["items"] == nil { errors.append(.required(items.text, "must be specified")) }
        if schema["items"]?.array != nil {
            errors.append(.forbidden(items.text, "items must be a schema object and not an array"))
        }
        let keys = schema["x-kubernetes-list-map-keys"]?.array ?? []
        let place = path.member("x-kubernetes-list-type")
        let form = schema["x-kubernetes-list-type"]
        if form != nil, schema["type"] != "array" {
            errors.append(
                .invalid(path.member("type").text, schema["type"] ?? "", "must be array if x-kubernetes-list-type is specified"))
        }
        switch form {
        case nil, "atomic", "set":
            if !keys.isEmpty {
                let sentence = "must be map if x-kubernetes-list-map-keys is non-empty"
                errors.append(form.map { .invalid(place.text, $0, sentence) } ?? .required(place.text, sentence))
            }
            // What may stand in a set has to be one value.
            if form == "set", let (word, value) = Self.setProblem(schema["items"] ?? [:]) {
                errors.append(
                    .invalid(items.member(word).text, value, "must be atomic as item of a list with x-kubernetes-list-type=set"))
            }
        case "map" where schema["items"]?.array != nil: break
        case "map": errors += Self.checkKeys(keys, of: schema["items"] ?? [:], at: path)
        case let form?: errors.append(.unsupported(place.text, form, choices: ["atomic", "set", "map"]))
        }
        return errors
    }

    private static func setProblem(_ items: JSON) -> (word: String, value: JSON)? {
        switch items["type"] {
        case "object" where items["x-kubernetes-map-type"] != "atomic": ("x-kubernetes-map-type", items["x-kubernetes-map-type"] ?? .null)
        case "array" where ![nil, "atomic"].contains(items["x-kubernetes-list-type"]):
            ("x-kubernetes-list-type", items["x-kubernetes-list-type"] ?? .null)
        default: nil
        }
    }

    private static func checkKeys(_ keys: [JSON], of items: JSON, at path: FieldPath) -> [FieldError] {
        let place = path.member("x-kubernetes-list-map-keys")
        var errors: [FieldError] = []
        if items["type"] != "object" {
            errors.append(
                .invalid(
                    path.member("items").member("type").text, items["type"] ?? "",
                    "must be object if parent array's x-kubernetes-list-type is map"))
        }
        if keys.isEmpty { errors.append(.required(place.text, "must not be empty if x-kubernetes-list-type is map")) }
        if Set(keys).count < keys.count { errors.append(.invalid(place.text, .array(keys), "must not contain duplicate entries")) }
        for key in Set(keys).compactMap(\.string).sorted() {
            guard let member = items.at("properties", key) else {
                // Of elements that are no objects it is enough to say that.
                if items["type"] == "object" {
                    errors.append(.invalid(place.text, .array(keys), "entries must all be names of item properties"))
                }
                continue
            }
            let field = path.member("items").member("properties").key(key)
            if ["object", "array"].contains(member["type"]) {
                errors.append(
                    .invalid(
                        field.member("type").text, member["type"] ?? "",
                        "must be a scalar type if parent array's x-kubernetes-list-type is map"))
            }
            if member["nullable"] == true {
                errors.append(
                    .forbidden(
                        field.member("nullable").text, "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"))
            }
            if member["default"] == nil, items["required"]?.array?.contains(JSON(key)) != true {
                errors.append(
                    .required(
                        field.member("default").text,
                        "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"))
            }
        }
        return errors
    }

    /// A default is a value that its own schema takes as it is.
    private static func checkDefault(_ schema: JSON, at path: FieldPath) -> [FieldError] {
        guard var value = schema["default"], !value.isNull, let read = try? Schema(crd: schema, at: path) else { return [] }
        let place = path.member("default").text
        if !read.prune(&value, isRoot: false).isEmpty {
            return [.invalid(place, schema["default"] ?? .null, "must not have unknown fields")]
        }
        return read.validate(value).map {
            FieldError(reason: $0.reason, field: $0.field == "<nil>" ? place : "\(place).\($0.field)", message: $0.message)
        }
    }

    /// Inside `anyOf` and its like a schema only restricts what is declared outside.
    private static func checkCondition(_ schema: JSON, at path: FieldPath, of parent: JSON) -> [FieldError] {
        var errors: [FieldError] = []
        // The one exception: how the two types of an int-or-string are told.
        let tellsTypes = parent["x-kubernetes-int-or-string"] == true
        for word in ["description", "title"] + (tellsTypes ? [] : ["type"]) where schema[word]?.string?.isEmpty == false {
            errors.append(.forbidden(path.member(word).text, "must be empty to be structural"))
        }
        for word in ["default", "additionalProperties"] where schema[word] != nil {
            errors.append(.forbidden(path.member(word).text, "must be undefined to be structural"))
        }
        if schema["nullable"] == true { errors.append(.forbidden(path.member("nullable").text, "must be false to be structural")) }
        for word in ["allOf", "anyOf", "oneOf"] {
            for (index, child) in (schema[word]?.array ?? []).enumerated() {
                errors += Self.checkCondition(child, at: path.member(word).index(index), of: tellsTypes ? parent : [:])
            }
        }
        if let child = schema["not"] { errors += Self.checkCondition(child, at: path.member("not"), of: [:]) }
        for (name, child) in (schema["properties"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            errors += Self.checkCondition(child, at: path.member("properties").key(name), of: [:])
        }
        if let child = schema["items"] { errors += Self.checkCondition(child, at: path.member("items"), of: [:]) }
        return errors
    }

    /// What every object has belongs to the server.
    private static func checkIdentity(_ schema: JSON, at path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        func wrong(_ name: String, _ type: String) {
            guard let found = schema.at("properties", name, "type"), found != JSON(type) else { return }
            errors.append(
                .invalid(path.member("properties").key(name).member("type").text, found, "must be \(type)"))
        }
        wrong("apiVersion", "string")
        wrong("kind", "string")
        wrong("metadata", "object")
        if var metadata = schema.at("properties", "metadata")?.object {
            metadata["type"] = nil
            let members = metadata.removeValue(forKey: "properties")?.object ?? [:]
            if !metadata.isEmpty || !Set(members.keys).isSubset(of: ["name", "generateName"]) {
                errors.append(
                    .forbidden(
                        path.member("properties").key("metadata").text,
                        "must not specify anything other than name and generateName, but metadata is implicitly specified"))
            }
        }
        return errors
    }
}
