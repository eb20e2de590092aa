import JSONModel

extension Behaviour {
    static let customResourceDefinition = Behaviour(
        complete: { object, _ in
            let kind = object.at("spec", "names", "kind")?.string ?? ""
            if object.at("spec", "names", "singular") == nil { object.set(["spec", "names", "singular"], to: JSON(kind.lowercased())) }
            if object.at("spec", "names", "listKind") == nil { object.set(["spec", "names", "listKind"], to: JSON("\(kind)List")) }
        },
        validate: { object, old in DefinitionRules.validate(object, old) })
}

enum DefinitionRules {
    /// What the API server's controllers say once names are accepted and the kind is served.
    static func status(of definition: JSON, old: JSON?, now: String) -> JSON {
        func condition(_ type: String, _ reason: String, _ message: String) -> JSON {
            let before = (old?.at("status", "conditions")?.array ?? []).first { $0["type"]?.string == type }
            return [
                "type": JSON(type), "status": "True", "reason": JSON(reason), "message": JSON(message),
                "lastTransitionTime": before?["lastTransitionTime"] ?? JSON(now),
            ]
        }
        let storage = (definition.at("spec", "versions")?.array ?? []).filter { $0["storage"] == true }.compactMap { $0["name"] }
        let stored = old?.at("status", "storedVersions")?.array ?? []
        return [
            "acceptedNames": definition.at("spec", "names") ?? [:],
            "conditions": [
                condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
            ],
            "storedVersions": .array(stored + storage.filter { !stored.contains($0) }),
        ]
    }

    static func validate(_ object: JSON, _ old: JSON?) -> [FieldError] {
        var errors: [FieldError] = []
        let spec = object["spec"] ?? [:]
        let group = spec["group"]?.string ?? ""
        let plural = spec.at("names", "plural")?.string ?? ""
        if object.meta("name") != "\(plural).\(group)" {
            errors.append(.invalid("metadata.name", object.at("metadata", "name") ?? "", "must be spec.names.plural+\".\"+spec.group"))
        }
        if !group.contains(".") { errors.append(.invalid("spec.group", JSON(group), "should be a domain with at least one dot")) }
        let versions = spec["versions"]?.array ?? []
        if versions.count(where: { $0["storage"] == true }) != 1 {
            errors.append(
                .invalid(
                    "spec.versions", .array(versions.compactMap { $0["name"] }), "must have exactly one version marked as storage version"))
        }
        for (index, version) in versions.enumerated() {
            let path = FieldPath("spec.versions").index(index).member("schema").member("openAPIV3Schema")
            guard let schema = version.at("schema", "openAPIV3Schema") else {
                errors.append(.required(path.text))
                continue
            }
            // A real server moves a single version's schema up before it looks at it.
            let place = versions.count == 1 ? FieldPath("spec.validation.openAPIV3Schema") : path
            errors += Self.structural(schema, at: place, isRoot: true)
        }
        for name in ["group", "scope"] {
            if let before = old?.at("spec", name), before != spec[name] {
                errors.append(.invalid("spec.\(name)", spec[name] ?? .null, "field is immutable"))
            }
        }
        return errors
    }

    /// Each specified field has a type, unless it is int-or-string or keeps whatever it is given.
    private static func structural(_ schema: JSON, at path: FieldPath, isRoot: Bool = false) -> [FieldError] {
        var errors: [FieldError] = []
        let isFree = schema["x-kubernetes-int-or-string"]?.bool == true || schema["x-kubernetes-preserve-unknown-fields"]?.bool == true
        if schema["type"]?.string?.isEmpty ?? true, !isFree {
            errors.append(
                .required(
                    path.member("type").text, isRoot ? "must not be empty at the root" : "must not be empty for specified object fields"))
        }
        for (name, child) in (schema["properties"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            errors += Self.structural(child, at: path.member("properties").key(name))
        }
        if let child = schema["additionalProperties"], child.object != nil {
            errors += Self.structural(child, at: path.member("additionalProperties"))
        }
        if let child = schema["items"] {
            errors += Self.structural(child, at: path.member("items"))
        } else if schema["type"] == "array" {
            errors.append(.required(path.member("items").text, "must be specified"))
        }
        return errors
    }
}
