import JSONModel

/// Served kinds of one CustomResourceDefinition.
enum CustomKinds {
    static func types(of definition: JSON, meta: Schema) throws(SchemaProblem) -> [ResourceType] {
        let spec = definition["spec"] ?? [:]
        let names = spec["names"] ?? [:]
        var types: [ResourceType] = []
        for (index, version) in (spec["versions"]?.array ?? []).enumerated() where version["served"]?.bool == true {
            let path = FieldPath("spec").member("versions").index(index)
            let kind = names["kind"]?.string ?? ""
            var type = ResourceType(
                group: spec["group"]?.string ?? "", version: version["name"]?.string ?? "", kind: kind,
                listKind: names["listKind"]?.string ?? "\(kind)List", plural: names["plural"]?.string ?? "",
                singular: names["singular"]?.string ?? kind.lowercased(), isNamespaced: spec["scope"] == "Namespaced",
                schema: try Self.schema(
                    version.at("schema", "openAPIV3Schema") ?? [:], meta: meta,
                    name: "\(spec["group"]?.string ?? "").\(version["name"]?.string ?? "").\(kind)",
                    at: path.member("schema").member("openAPIV3Schema")))
            type.shortNames = (names["shortNames"]?.array ?? []).compactMap(\.string)
            type.categories = (names["categories"]?.array ?? []).compactMap(\.string)
            type.isCustom = true
            type.verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
            type.countsGenerations = true
            if version.at("subresources", "status") != nil { type.subresources.insert(.status) }
            if let scale = version.at("subresources", "scale") {
                type.subresources.insert(.scale)
                type.scale = ResourceType.ScalePaths(
                    specReplicas: Self.path(scale["specReplicasPath"]), statusReplicas: Self.path(scale["statusReplicasPath"]),
                    selector: scale["labelSelectorPath"].map(Self.path))
            }
            type.selectableFields = (version["selectableFields"]?.array ?? []).compactMap {
                $0["jsonPath"]?.string.map { String($0.dropFirst()) }
            }
            type.columns = try Self.columns(version["additionalPrinterColumns"]?.array ?? [], at: path)
            types.append(type)
        }
        return types
    }

    private static func path(_ json: JSON?) -> [String] { (json?.string ?? "").split(separator: ".").map(String.init) }

    private static func schema(_ json: JSON, meta: Schema, name: String, at path: FieldPath) throws(SchemaProblem) -> Schema {
        var node = try Schema(crd: json, at: path).node
        node.typeName = name
        node.form = .object
        node.properties["apiVersion"] = .text
        node.properties["kind"] = .text
        node.properties["metadata"] = meta
        return Schema(node)
    }

    private static func columns(_ declared: [JSON], at path: FieldPath) throws(SchemaProblem) -> [Column] {
        var columns = [Column(name: "Name", format: "name", source: .name)]
        for (index, column) in declared.enumerated() {
            let text = column["jsonPath"]?.string ?? ""
            do {
                columns.append(
                    Column(
                        name: column["name"]?.string ?? "", type: column["type"]?.string ?? "string",
                        format: column["format"]?.string ?? "",
                        summary: column["description"]?.string ?? "Custom resource definition column (in JSONPath format): \(text)",
                        priority: column["priority"]?.int ?? 0, source: .path(try JSONPath(text))))
            } catch {
                throw SchemaProblem(
                    field: path.member("additionalPrinterColumns").index(index).member("jsonPath").text, message: error.description)
            }
        }
        if declared.isEmpty { columns.append(Column(name: "Age", type: "date", source: .path(Self.creation))) }
        return columns
    }

    private static let creation: JSONPath = {
        guard let path = try? JSONPath(".metadata.creationTimestamp") else { preconditionFailure("a constant path parses") }
        return path
    }()
}
