import JSONModel

extension Behaviour {
    static let customResourceDefinition = Behaviour(
        complete: { object, _ in
            guard let kind = object.at("spec", "names", "kind")?.string else { return }
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
        if !group.isEmpty, !NameRules.isSubdomain(group) {
            errors.append(.invalid("spec.group", JSON(group), NameRules.subdomain))
        } else if !group.isEmpty, !group.contains(".") {
            errors.append(.invalid("spec.group", JSON(group), "should be a domain with at least one dot"))
        }
        if spec["preserveUnknownFields"] == true {
            errors.append(
                .invalid(
                    "spec.preserveUnknownFields", true,
                    "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"))
        }
        errors += Self.checkNames(spec["names"] ?? [:])
        let versions = spec["versions"]?.array ?? []
        if versions.count(where: { $0["storage"] == true }) != 1 {
            errors.append(
                .invalid(
                    "spec.versions", .array(versions.compactMap { $0["name"] }), "must have exactly one version marked as storage version"))
        }
        if !versions.contains(where: { $0["storage"] == true }) {
            errors.append(.invalid("status.storedVersions", .null, "must have at least one stored version"))
        }
        for (index, version) in versions.enumerated() {
            let path = FieldPath("spec.versions").index(index)
            if let name = version["name"]?.string, !NameRules.isDNS1035(name) {
                errors.append(.invalid(path.member("name").text, JSON(name), NameRules.dns1035))
                if versions.count == 1 { errors.append(.invalid("spec.version", JSON(name), NameRules.dns1035)) }
            }
            errors += Self.check(version, at: path, isAlone: versions.count == 1)
        }
        for name in ["group", "scope"] {
            if let before = old?.at("spec", name), before != spec[name] {
                errors.append(.invalid("spec.\(name)", spec[name] ?? .null, "field is immutable"))
            }
        }
        return errors
    }

    private static func checkNames(_ names: JSON) -> [FieldError] {
        var errors: [FieldError] = []
        func check(_ value: JSON?, at field: String) {
            guard let text = value?.string, !NameRules.isDNS1035(text) else { return }
            errors.append(.invalid("spec.names.\(field)", JSON(text), NameRules.dns1035))
        }
        for field in ["plural", "singular"] { check(names[field], at: field) }
        for field in ["shortNames", "categories"] {
            for (index, value) in (names[field]?.array ?? []).enumerated() { check(value, at: "\(field)[\(index)]") }
        }
        for field in ["kind", "listKind"] {
            if let text = names[field]?.string {
                if !NameRules.isDNS1035(text.lowercased()) {
                    errors.append(
                        .invalid(
                            "spec.names.\(field)", JSON(text), "may have mixed case, but should otherwise match: \(NameRules.dns1035)"))
                }
            } else if names["kind"] == nil, field == "listKind" {
                errors += [.required("spec.names.listKind"), .required("spec.names.singular")]
            }
        }
        if let kind = names["kind"], kind == names["listKind"] {
            errors.append(.invalid("spec.names.listKind", kind, "kind and listKind may not be the same"))
        }
        return errors
    }

    /// - Parameter isAlone: a real server moves a single version's parts up before it looks at them.
    private static func check(_ version: JSON, at path: FieldPath, isAlone: Bool) -> [FieldError] {
        let above = isAlone ? FieldPath("spec") : path
        let place = path.member("schema").member("openAPIV3Schema")
        guard let schema = version.at("schema", "openAPIV3Schema") else { return [.required(place.text)] }
        var errors = SchemaRules.check(
            root: schema, at: isAlone ? FieldPath("spec.validation.openAPIV3Schema") : place,
            hasStatus: version.at("subresources", "status") != nil)
        for (index, column) in (version["additionalPrinterColumns"]?.array ?? []).enumerated() {
            errors += Self.check(column: column, at: above.member("additionalPrinterColumns").index(index))
        }
        for (field, part) in [("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")] {
            guard let text = version.at("subresources", "scale", field)?.string, !text.hasPrefix("\(part).") else { continue }
            errors.append(
                .invalid(
                    above.member("subresources").member("scale").member(field).text, JSON(text), "should be a json path under \(part)"))
        }
        var seen: Set<String> = []
        for (index, field) in (version["selectableFields"]?.array ?? []).enumerated() {
            let place = above.member("selectableFields").index(index).member("jsonPath")
            guard let text = field["jsonPath"]?.string else { continue }
            let steps = text.split(separator: ".").map(String.init)
            if !seen.insert(text).inserted {
                errors.append(.duplicate(place.text, JSON(text)))
            } else if let target = steps.reduce(JSON?.some(schema), { $0?.at("properties", $1) }) {
                if !["string", "boolean", "integer"].contains(target["type"]) {
                    errors.append(
                        .invalid(
                            place.text, JSON(text),
                            "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are "
                                + "allowed."))
                }
            } else {
                errors.append(.invalid(place.text, JSON(text), "is an invalid path: does not refer to a valid field"))
            }
        }
        return errors
    }

    private static func check(column: JSON, at path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        func choice(_ field: String, of choices: [JSON]) {
            guard let value = column[field], value != "", !choices.contains(value) else { return }
            let list = choices.compactMap(\.string).joined(separator: ",")
            errors.append(.invalid(path.member(field).text, value, "must be one of \(list)"))
        }
        choice("type", of: ["boolean", "date", "integer", "number", "string"])
        choice("format", of: ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"])
        if column["jsonPath"]?.string?.isEmpty == true { errors.append(.required(path.member("JSONPath").text)) }
        return errors
    }
}
