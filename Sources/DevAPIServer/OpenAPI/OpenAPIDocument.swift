import JSONModel

/// Whole OpenAPI documents for a set of kinds.
enum OpenAPIDocument {
    static func v2(_ types: [ResourceType]) -> JSON {
        var schemas = SchemaDocument(version: .v2)
        for type in types { schemas.add(type) }
        return [
            "swagger": "2.0", "info": ["title": "egret-devcluster", "version": "v1.32.0"],
            "paths": .object(Self.paths(types, .v2)), "definitions": .object(schemas.definitions),
        ]
    }

    static func v3(_ types: [ResourceType]) -> JSON {
        var schemas = SchemaDocument(version: .v3)
        for type in types { schemas.add(type) }
        return [
            "openapi": "3.0.0", "info": ["title": "egret-devcluster", "version": "v1.32.0"],
            "paths": .object(Self.paths(types, .v3)), "components": ["schemas": .object(schemas.definitions)],
        ]
    }

    /// Clients look here for the kind behind a path, and for the query parameters a kind's patch knows.
    private static func paths(_ types: [ResourceType], _ version: SchemaDocument.Version) -> [String: JSON] {
        var paths: [String: JSON] = [:]
        for type in types {
            let root = type.group.isEmpty ? "/api/\(type.version)" : "/apis/\(type.group)/\(type.version)"
            let gvk: JSON = ["group": JSON(type.group), "version": JSON(type.version), "kind": JSON(type.kind)]
            func operation(_ action: String, _ parameters: [String] = []) -> JSON {
                var operation: JSON = [
                    "responses": ["200": ["description": "OK"]], "x-kubernetes-action": JSON(action),
                    "x-kubernetes-group-version-kind": gvk,
                ]
                guard !parameters.isEmpty else { return operation }
                operation["parameters"] = .array(
                    parameters.map { name in
                        let parameter: JSON = ["name": JSON(name), "in": "query"]
                        return MergePatch.apply(version == .v2 ? ["type": "string"] : ["schema": ["type": "string"]], to: parameter)
                    })
                return operation
            }
            let writing = ["dryRun", "fieldManager", "fieldValidation"]
            let collection = type.isNamespaced ? "\(root)/namespaces/{namespace}/\(type.plural)" : "\(root)/\(type.plural)"
            if type.isNamespaced { paths["\(root)/\(type.plural)"] = ["get": operation("list")] }
            paths[collection] = ["get": operation("list"), "post": operation("post", writing)]
            paths["\(collection)/{name}"] = [
                "get": operation("get"), "put": operation("put", writing), "patch": operation("patch", writing + ["force"]),
                "delete": operation("delete", ["dryRun"]),
            ]
        }
        return paths
    }
}
