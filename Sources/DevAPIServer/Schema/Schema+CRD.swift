import JSONModel
import MeshModel

/// Why a CRD's schema cannot be served.
struct SchemaProblem: Error, Hashable {
    let field: String
    let message: String
}

extension Schema {
    /// Reads `openAPIV3Schema` of a CRD version.
    convenience init(crd json: JSON, at path: FieldPath) throws(SchemaProblem) {
        var node = Node()
        if let form = json["type"]?.string {
            guard let known = Form(rawValue: form) else {
                throw SchemaProblem(field: path.member("type").text, message: "\"\(form)\" is not a type")
            }
            node.form = known
        }
        node.summary = json["description"]?.string
        for (name, child) in json["properties"]?.object ?? [:] {
            node.properties[name] = try Schema(crd: child, at: path.member("properties").key(name))
        }
        switch json["additionalProperties"] {
        case .bool(true): node.additionalProperties = .anything
        case .object(let members): node.additionalProperties = try Schema(crd: .object(members), at: path.member("additionalProperties"))
        default: break
        }
        if let items = json["items"], items.object != nil { node.items = try Schema(crd: items, at: path.member("items")) }
        switch json["x-kubernetes-list-type"]?.string {
        case "set": node.list = .set
        case "map": node.list = .map(keys: (json["x-kubernetes-list-map-keys"]?.array ?? []).compactMap(\.string))
        default: break
        }
        node.isAtomic = json["x-kubernetes-map-type"]?.string == "atomic"
        node.required = (json["required"]?.array ?? []).compactMap(\.string)
        node.choices = json["enum"]?.array ?? []
        node.defaultValue = json["default"]
        node.isNullable = json["nullable"]?.bool ?? false
        node.preservesUnknownFields = json["x-kubernetes-preserve-unknown-fields"]?.bool ?? false
        node.isIntOrString = json["x-kubernetes-int-or-string"]?.bool ?? false
        node.isEmbeddedResource = json["x-kubernetes-embedded-resource"]?.bool ?? false
        node.readLimits(json)
        if let pattern = node.pattern, !Pattern.compiles(pattern) {
            throw SchemaProblem(field: path.member("pattern").text, message: "\"\(pattern)\" is not a regular expression")
        }
        for (name, keep) in [("allOf", \Node.allOf), ("anyOf", \Node.anyOf), ("oneOf", \Node.oneOf)] {
            for (index, child) in (json[name]?.array ?? []).enumerated() {
                node[keyPath: keep].append(try Schema(crd: child, at: path.member(name).index(index)))
            }
        }
        if let not = json["not"] { node.not = try Schema(crd: not, at: path.member("not")) }
        for (index, rule) in (json["x-kubernetes-validations"]?.array ?? []).enumerated() {
            let text = rule["rule"]?.string ?? ""
            // There is no CEL here: a rule that is only stored would be a rule that only seems to hold.
            guard CrossFieldRules.rule(text: text) != nil else {
                throw SchemaProblem(
                    field: path.member("x-kubernetes-validations").index(index).member("rule").text,
                    message: "egret-devcluster evaluates only Egret's own rules, and \(JSON(text).text) is none of them")
            }
            let place = path.member("x-kubernetes-validations").index(index)
            for reference in Self.references(text) where Self.declaration(of: reference, in: json) == nil {
                throw SchemaProblem(
                    field: place.member("rule").text, message: "undefined field '\(reference.joined(separator: "."))' in \(JSON(text).text)"
                )
            }
            if let target = rule["fieldPath"]?.string,
                Self.declaration(of: target.split(separator: ".").map(String.init), in: json) == nil
            {
                throw SchemaProblem(field: place.member("fieldPath").text, message: "\(target) does not refer to a valid field")
            }
            node.rules.append(
                Rule(
                    text: text, message: rule["message"]?.string, reason: rule["reason"]?.string,
                    fieldPath: rule["fieldPath"]?.string))
        }
        self.init(node)
    }

    /// The fields of `self` and `oldSelf` that a rule names: `["routing", "zoneEgress"]` of `has(self.routing.zoneEgress)`.
    private static func references(_ rule: String) -> [[String]] {
        // Not what stands in quotes, nor functions.
        let code = rule.split(separator: "'", omittingEmptySubsequences: false).enumerated().filter { $0.offset.isMultiple(of: 2) }
            .map(\.element).joined(separator: "''")
        return code.matches(of: /\b(?:self|oldSelf)((?:\.\w+\b(?!\())+)/).map { $0.1.split(separator: ".").map(String.init) }
    }

    /// The schema of a field inside an object's; nil where none is declared.
    private static func declaration(of field: [String], in schema: JSON) -> JSON? {
        var found = schema
        for step in field {
            // Its words are the server's own.
            if step == "metadata", found.at("properties", "metadata") == nil { return schema }
            guard let child = found.at("properties", step) ?? found["additionalProperties"] else { return nil }
            found = child
        }
        return found
    }

    /// Every node with its path, for checks over a whole schema.
    func walk(_ path: FieldPath = FieldPath(), _ visit: (FieldPath, Schema) -> Void) {
        visit(path, self)
        for name in self.node.properties.keys.sorted() { self.node.properties[name]?.walk(path.member(name), visit) }
        self.node.additionalProperties?.walk(path.key("*"), visit)
        self.node.items?.walk(path.key("*"), visit)
    }
}

extension Schema.Node {
    fileprivate mutating func readLimits(_ json: JSON) {
        func number(_ name: String) -> Double? {
            switch json[name] {
            case .int(let value): Double(value)
            case .double(let value): value
            default: nil
            }
        }
        self.format = json["format"]?.string
        self.pattern = json["pattern"]?.string
        self.minimum = number("minimum")
        self.maximum = number("maximum")
        self.exclusiveMinimum = json["exclusiveMinimum"]?.bool ?? false
        self.exclusiveMaximum = json["exclusiveMaximum"]?.bool ?? false
        self.multipleOf = number("multipleOf")
        self.minLength = json["minLength"]?.int
        self.maxLength = json["maxLength"]?.int
        self.minItems = json["minItems"]?.int
        self.maxItems = json["maxItems"]?.int
        self.uniqueItems = json["uniqueItems"]?.bool ?? false
        self.minProperties = json["minProperties"]?.int
        self.maxProperties = json["maxProperties"]?.int
    }
}
