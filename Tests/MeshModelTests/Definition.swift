import Foundation
import JSONModel
import MeshModel
import TestKit
import YAMLDocument

/// A CustomResourceDefinition of the chart.
struct Definition {
    let crd: JSON

    var kind: String { self.crd.at("spec", "names", "kind")?.string ?? "" }
    var version: JSON { self.crd.at("spec", "versions")?[0] ?? .null }
    var schema: JSON { self.version.at("schema", "openAPIV3Schema") ?? .null }

    static func all() throws -> [Definition] {
        let names = [
            "dataplanes", "externalservices", "meshes", "meshexternalservices", "meshtcproutes", "meshtrafficpermissions",
            "meshhttproutes",
            "trafficpermissions", "trafficroutes", "zoneegresses", "zoneingresses",
            "meshloadbalancingstrategies",
        ]
        return try names.map { name in
            let path = "\(Repository.chart)/files/crds/\(name).yaml"
            return Definition(crd: try YAMLDocument.parseOne(String(contentsOfFile: path, encoding: .utf8), file: path))
        }
    }

    /// Every schema with its path in the notation of `CrossFieldRule`.
    func walk(_ visit: (_ path: String, _ schema: JSON) -> Void) { Self.walk(self.schema, path: "", visit) }

    private static func walk(_ schema: JSON, path: String, _ visit: (String, JSON) -> Void) {
        visit(path, schema)
        for (name, child) in schema["properties"]?.object ?? [:] { Self.walk(child, path: path.isEmpty ? name : "\(path).\(name)", visit) }
        if let items = schema["items"] { Self.walk(items, path: "\(path)[]", visit) }
        if let values = schema["additionalProperties"] { Self.walk(values, path: "\(path){}", visit) }
    }

    /// What the API server would refuse in an object, and what it would drop.
    func problems(of object: JSON) -> [String] {
        Self.problems(object, self.schema, path: "") + CrossFieldRules.violations(kind: self.kind, object: object).map(\.description)
    }

    private static func problems(_ value: JSON, _ schema: JSON, path: String) -> [String] {
        if schema["x-kubernetes-preserve-unknown-fields"] == true || schema["x-kubernetes-int-or-string"] == true { return [] }
        if let type = schema["type"]?.string, type != value.typeName, !(type == "number" && value.typeName == "integer") {
            return ["\(path): \(value.typeName) is not \(type)"]
        }
        var found: [String] = []
        if let choices = schema["enum"]?.array, !choices.contains(value) { found.append("\(path): not one of \(choices)") }
        if let number = value.int {
            if let minimum = schema["minimum"]?.int, number < minimum { found.append("\(path): too small") }
            if let maximum = schema["maximum"]?.int, number > maximum { found.append("\(path): too big") }
        }
        if let pattern = schema["pattern"]?.string, let text = value.string,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            found.append("\(path): does not match \(pattern)")
        }
        if let members = value.object, path != "metadata" {
            for required in schema["required"]?.array ?? [] where members[required.string ?? ""] == nil {
                found.append("\(path): lacks \(required)")
            }
            for (key, member) in members {
                if let child = schema.at("properties", key) ?? schema["additionalProperties"] {
                    found += Self.problems(member, child, path: path.isEmpty ? key : "\(path).\(key)")
                } else {
                    found.append("\(path).\(key): unknown")
                }
            }
        }
        for (index, element) in (value.array ?? []).enumerated() {
            found += Self.problems(element, schema["items"] ?? [:], path: "\(path)[\(index)]")
        }
        return found
    }
}
