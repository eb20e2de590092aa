import JSONModel

/// Writes schemas as OpenAPI, sharing named types by reference.
struct SchemaDocument {
    enum Version {
        /// Swagger 2.0, which old kubectl and Helm read. It cannot say nullable, oneOf or anyOf.
        case v2
        case v3

        var referencePrefix: String { self == .v2 ? "#/definitions/" : "#/components/schemas/" }
    }

    let version: Version
    private(set) var definitions: [String: JSON] = [:]

    init(version: Version) { self.version = version }

    /// Names of built-in types have a home of their own; custom ones carry their group already.
    private static func fullName(_ typeName: String) -> String { typeName.contains(".") ? typeName : "io.k8s.api.\(typeName)" }

    /// Adds a kind and everything it needs.
    mutating func add(_ type: ResourceType) {
        guard let typeName = type.schema.node.typeName else { return }
        let name = Self.fullName(typeName)
        _ = self.reference(type.schema, name: name)
        let gvk: JSON = ["group": JSON(type.group), "version": JSON(type.version), "kind": JSON(type.kind)]
        let known = self.definitions[name]?["x-kubernetes-group-version-kind"]?.array ?? []
        guard !known.contains(gvk) else { return }
        self.definitions[name]?["x-kubernetes-group-version-kind"] = .array(known + [gvk])
        let list = "\(name)List"
        guard self.definitions[list] == nil else { return }
        self.definitions[list] = [
            "type": "object", "description": JSON("\(type.listKind) is a list of \(type.kind)"), "required": ["items"],
            "properties": [
                "apiVersion": ["type": "string"], "kind": ["type": "string"], "metadata": ["type": "object"],
                "items": ["type": "array", "items": ["$ref": JSON(self.version.referencePrefix + name)]],
            ],
            "x-kubernetes-group-version-kind": [["group": JSON(type.group), "version": JSON(type.version), "kind": JSON(type.listKind)]],
        ]
    }

    private mutating func reference(_ schema: Schema, name: String) -> JSON {
        if self.definitions[name] == nil {
            self.definitions[name] = [:]  // Ends recursion.
            self.definitions[name] = self.body(schema)
        }
        return ["$ref": JSON(self.version.referencePrefix + name)]
    }

    /// A schema where it is used: a reference with what is said at this place, or its body.
    private mutating func use(_ schema: Schema) -> JSON {
        guard let typeName = schema.node.typeName else { return self.body(schema) }
        var reference = self.reference(schema, name: Self.fullName(typeName))
        var extras: JSON = [:]
        extras["default"] = schema.node.defaultValue
        if schema.node.retainsKeys { extras["x-kubernetes-patch-strategy"] = "retainKeys" }
        guard extras.object?.isEmpty == false else { return reference }
        if self.version == .v3 { reference = ["allOf": [reference]] }
        return MergePatch.apply(extras, to: reference)
    }

    private mutating func body(_ schema: Schema) -> JSON {
        let node = schema.node
        var json: JSON = [:]
        json["description"] = node.summary.map { JSON($0) }
        if node.isIntOrString {
            json["x-kubernetes-int-or-string"] = true
            if self.version == .v2 { json = MergePatch.apply(["type": "string", "format": "int-or-string"], to: json) }
        } else {
            json["type"] = node.form.map { JSON($0.rawValue) }
            json["format"] = node.format.map { JSON($0) }
        }
        json["default"] = node.defaultValue
        if !node.choices.isEmpty { json["enum"] = .array(node.choices) }
        self.describeLimits(node, &json)
        self.describeLists(node, &json)
        if node.isAtomic { json["x-kubernetes-map-type"] = "atomic" }
        if node.preservesUnknownFields { json["x-kubernetes-preserve-unknown-fields"] = true }
        if node.isEmbeddedResource { json["x-kubernetes-embedded-resource"] = true }
        if let items = node.items { json["items"] = self.use(items) }
        if let common = node.additionalProperties { json["additionalProperties"] = self.use(common) }
        // Old clients take declared properties for all there are.
        if !node.properties.isEmpty, self.version == .v3 || !node.preservesUnknownFields {
            var properties: [String: JSON] = [:]
            for (name, child) in node.properties { properties[name] = self.use(child) }
            json["properties"] = .object(properties)
            if !node.required.isEmpty { json["required"] = .array(node.required.map { JSON($0) }) }
        }
        guard self.version == .v3 else { return json }
        if node.isNullable { json["nullable"] = true }
        for (name, list) in [("allOf", node.allOf), ("anyOf", node.anyOf), ("oneOf", node.oneOf)] where !list.isEmpty {
            var written: [JSON] = []
            for child in list { written.append(self.body(child)) }
            json[name] = .array(written)
        }
        if let not = node.not { json["not"] = self.body(not) }
        if !node.rules.isEmpty {
            json["x-kubernetes-validations"] = .array(
                node.rules.map { rule in
                    var entry: JSON = ["rule": JSON(rule.text)]
                    entry["message"] = rule.message.map { JSON($0) }
                    entry["fieldPath"] = rule.fieldPath.map { JSON($0) }
                    entry["reason"] = rule.reason.map { JSON($0) }
                    return entry
                })
        }
        return json
    }

    private func describeLimits(_ node: Schema.Node, _ json: inout JSON) {
        json["pattern"] = node.pattern.map { JSON($0) }
        for (name, value) in [("minimum", node.minimum), ("maximum", node.maximum), ("multipleOf", node.multipleOf)] {
            json[name] = value.map { JSON.double($0) }
        }
        if node.exclusiveMinimum { json["exclusiveMinimum"] = true }
        if node.exclusiveMaximum { json["exclusiveMaximum"] = true }
        if node.uniqueItems { json["uniqueItems"] = true }
        for (name, value) in [
            ("minLength", node.minLength), ("maxLength", node.maxLength), ("minItems", node.minItems), ("maxItems", node.maxItems),
            ("minProperties", node.minProperties), ("maxProperties", node.maxProperties),
        ] { json[name] = value.map { JSON($0) } }
    }

    private func describeLists(_ node: Schema.Node, _ json: inout JSON) {
        guard node.form == .array else { return }
        switch node.list {
        case .atomic: json["x-kubernetes-list-type"] = "atomic"
        case .set: json["x-kubernetes-list-type"] = "set"
        case .map(let keys):
            json["x-kubernetes-list-type"] = "map"
            json["x-kubernetes-list-map-keys"] = .array(keys.map { JSON($0) })
        }
        if node.patchMergeKey != nil || node.mergesPrimitives {
            json["x-kubernetes-patch-strategy"] = node.retainsKeys ? "merge,retainKeys" : "merge"
            json["x-kubernetes-patch-merge-key"] = node.patchMergeKey.map { JSON($0) }
        }
    }
}
