import JSONModel
import MeshModel
import Testing

/// What a real API server would hold against the CRDs, as far as it can be checked on values.
@Suite("CRDs")
struct CRDTests {
    @Test("The rules in the CRDs and in the table are the same")
    func rules() throws {
        func row(_ kind: String, _ path: String, _ parts: [String]) -> String { ([kind, path] + parts).joined(separator: " | ") }
        var inYAML: [String] = []
        for definition in try Definition.all() {
            definition.walk { path, schema in
                for rule in schema["x-kubernetes-validations"]?.array ?? [] {
                    inYAML.append(
                        row(
                            definition.kind, path,
                            [
                                rule["rule"]?.string ?? "", rule["message"]?.string ?? "", rule["fieldPath"]?.string ?? "",
                                rule["reason"]?.string ?? "FieldValueInvalid",
                            ]))
                }
            }
        }
        let inTable = CrossFieldRules.all.map { row($0.kind, $0.path, [$0.rule, $0.message, $0.fieldPath ?? "", $0.reason.rawValue]) }
        #expect(inYAML.sorted() == inTable.sorted())
    }

    @Test("Rules of equal text mean the same and are found by it")
    func lookup() {
        for rule in CrossFieldRules.all {
            let found = CrossFieldRules.rule(text: rule.rule)
            #expect(found?.message == rule.message && found?.isTransition == rule.isTransition, "\(rule.rule)")
        }
        #expect(CrossFieldRules.rule(text: "true") == nil)
    }

    @Test("Every field says what it is")
    func descriptions() throws {
        for definition in try Definition.all() {
            definition.walk { path, schema in
                // The API server knows metadata itself and refuses any word about it.
                if path == "metadata" { return }
                #expect(schema["description"]?.string?.isEmpty == false, "\(definition.kind) \(path)")
            }
        }
    }

    @Test("Schemas are structural and bounded, with one escape hatch per kind of zone proxy")
    func structural() throws {
        var escapeHatches: [String] = []
        for definition in try Definition.all() {
            definition.walk { path, schema in
                let place = "\(definition.kind) \(path)"
                if schema["x-kubernetes-preserve-unknown-fields"] == true { escapeHatches.append(place) }
                if schema["x-kubernetes-int-or-string"] == true {
                    #expect(schema["type"] == nil, "\(place)")
                    return
                }
                self.checkType(schema, path, place)
                for required in schema["required"]?.array ?? [] {
                    #expect(schema.at("properties", required.string ?? "") != nil, "\(place) requires \(required)")
                }
                for rule in schema["x-kubernetes-validations"]?.array ?? [] {
                    guard let field = rule["fieldPath"]?.string else { continue }
                    var target: JSON? = schema
                    for step in field.split(separator: ".") { target = target?.at("properties", String(step)) }
                    #expect(target != nil, "\(place): fieldPath \(field)")
                }
            }
        }
        #expect(escapeHatches == ["ZoneEgress spec.deployment.affinity", "ZoneIngress spec.deployment.affinity"])
    }

    private func checkType(_ schema: JSON, _ path: String, _ place: String) {
        switch schema["type"]?.string {
        case "object":
            #expect(schema["properties"] == nil || schema["additionalProperties"] == nil, "\(place)")
            if schema["additionalProperties"] != nil { #expect(schema["maxProperties"]?.int != nil, "\(place)") }
        case "array":
            #expect(schema["maxItems"]?.int != nil, "\(place)")
            #expect(schema["items"] != nil && schema["x-kubernetes-list-type"] != nil, "\(place)")
            for key in schema["x-kubernetes-list-map-keys"]?.array ?? [] {
                #expect(schema["x-kubernetes-list-type"] == "map", "\(place)")
                #expect(schema.at("items", "required")?.array?.contains(key) == true, "\(place) \(key)")
            }
        case "string":
            let isBounded = schema["maxLength"]?.int != nil || schema["enum"] != nil || schema["format"] == "date-time"
            #expect(isBounded || ["apiVersion", "kind"].contains(path), "\(place)")
        case "integer", "number":
            #expect(schema["minimum"] != nil || schema["enum"] != nil || schema["format"] == "int64", "\(place)")
        case "boolean": break
        default: Issue.record("\(place) has no type")
        }
    }

    @Test("Names, scopes and columns are those of 2.7 and more")
    func names() throws {
        let definitions = Dictionary(uniqueKeysWithValues: try Definition.all().map { ($0.kind, $0) })
        for (kind, definition) in definitions {
            let crd = definition.crd
            #expect(crd.at("metadata", "name")?.string == "\(crd.at("spec", "names", "plural")?.string ?? "").kuma.io")
            #expect(crd.at("spec", "names", "categories") == ["kuma"])
            #expect(
                crd.at("spec", "scope")
                    == (["Mesh", "ExternalService", "TrafficPermission", "TrafficRoute"].contains(kind) ? "Cluster" : "Namespaced"))
            #expect(definition.version.at("subresources", "status") == [:])
            #expect(definition.schema.at("properties", "status", "properties", "conditions", "x-kubernetes-list-map-keys") == ["type"])
        }
        let egress = try #require(definitions["ZoneEgress"])
        #expect(egress.crd.at("spec", "names", "shortNames") == ["ze"])
        let ingress = try #require(definitions["ZoneIngress"])
        for definition in [egress, ingress] {
            #expect(definition.version.at("subresources", "scale", "specReplicasPath") == ".spec.deployment.replicas")
        }
        func columns(_ kind: String) -> [String] {
            (definitions[kind]?.version["additionalPrinterColumns"]?.array ?? []).compactMap { $0["name"]?.string }
        }
        #expect(columns("ZoneEgress") == ["Zone", "Address", "Ready", "Status", "Reason", "Age"])
        #expect(columns("ZoneIngress") == ["Zone", "Address", "Port", "Ready", "Status", "Reason", "Age"])
        #expect(columns("Mesh") == ["MTLS", "Egress", "Mode", "Ready", "Reason", "Age"])
    }

    @Test("Documents may have the fields of the definitions and no others")
    func fields() throws {
        for definition in try Definition.all() {
            let kind = try #require(ResourceKind.named(definition.kind))
            #expect(definition.schema.at("properties", "spec", "properties")?.object.map { Set($0.keys) } == kind.fields, "\(kind.name)")
        }
    }

    @Test("The enabled CA may be switched off, not swapped")
    func transition() throws {
        let rule = try #require(CrossFieldRules.all.first { $0.isTransition })
        #expect(!rule.holds(["enabledBackend": "ca-2"], ["enabledBackend": "ca-1"]))
        #expect(rule.holds(["enabledBackend": "ca-1"], ["enabledBackend": "ca-1"]))
        #expect(rule.holds([:], ["enabledBackend": "ca-1"]))
        #expect(rule.holds(["enabledBackend": "ca-2"], ["enabledBackend": ""]))
        #expect(rule.holds(["enabledBackend": "ca-2"], [:]))
    }
}
