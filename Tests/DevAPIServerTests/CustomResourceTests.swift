import FoundationEssentials
import JSONModel
import TestKit
import Testing
import YAMLDocument

@testable import DevAPIServer

private let definitions = "apis/apiextensions.k8s.io/v1/customresourcedefinitions"
private let widgets = "apis/example.com/v1/namespaces/default/widgets"

@Suite struct CustomResourceTests {
    private func api() async throws -> TestAPI {
        let api = try await TestAPI()
        _ = try await api.object(.post, definitions, Samples.definition)
        return api
    }

    @Test("a definition is established at once and its kind served and discovered")
    func established() async throws {
        let api = try await self.api()
        let definition = try await api.object(.get, "\(definitions)/widgets.example.com")
        #expect(definition.at("status", "conditions")?.array?.compactMap { $0["type"]?.string } == ["NamesAccepted", "Established"])
        let resources = try await api.object(.get, "apis/example.com/v1")
        #expect(resources["resources"]?.array?.compactMap { $0["name"]?.string } == ["widgets", "widgets/status", "widgets/scale"])
    }

    @Test("objects are defaulted, pruned and checked")
    func objects() async throws {
        let api = try await self.api()
        let created = try await api.object(.post, widgets, Samples.widget("a", ["size": 2, "oops": 1]))
        #expect(created["spec"] == ["size": 2, "replicas": 1, "colour": "red"])
        let (code, status) = await api.call(.post, widgets, Samples.widget("b", ["size": 20]))
        #expect(code == 422)
        #expect(
            status["message"]
                == #"Widget.example.com "b" is invalid: spec.size: Invalid value: 20: spec.size in body should be less than or equal to 10"#
        )
    }

    @Test("status has its own endpoint, scale its paths")
    func subresources() async throws {
        let api = try await self.api()
        var object = Samples.widget("a", ["size": 2])
        object["status"] = ["replicas": 9]
        #expect(try await api.object(.post, widgets, object)["status"] == nil)
        _ = try await api.object(
            .patch, "\(widgets)/a/status", ["status": ["replicas": 1], "spec": ["size": 5]], type: PatchForm.merge.rawValue)
        let scale = try await api.object(.get, "\(widgets)/a/scale")
        #expect(scale.at("status", "replicas") == 1 && scale.at("spec", "replicas") == 1)
        let after = try await api.object(.get, "\(widgets)/a")
        #expect(after.at("spec", "size") == 2 && after.generation == 1)
    }

    @Test("printer columns make the table")
    func table() async throws {
        let api = try await self.api()
        _ = try await api.object(.post, widgets, Samples.widget("a", ["size": 2]))
        _ = try await api.object(
            .patch, "\(widgets)/a/status", ["status": ["conditions": [["type": "Ready", "status": "True"]]]], type: PatchForm.merge.rawValue
        )
        let table = await api.call(.get, widgets, accept: "application/json;as=Table;v=v1;g=meta.k8s.io").body
        #expect(table["rows"]?[0]?["cells"] == ["a", 2, "True"])
    }

    @Test("deleting a definition takes its objects and the kind along")
    func removal() async throws {
        let api = try await self.api()
        _ = try await api.object(.post, widgets, Samples.widget("a", ["size": 2]))
        _ = try await api.object(.delete, "\(definitions)/widgets.example.com")
        #expect(await api.call(.get, widgets).code == 404)
        _ = try await api.object(.post, definitions, Samples.definition)
        #expect(try await api.object(.get, widgets)["items"] == [])
    }

    @Test("an unsound definition is refused with the place")
    func unsound() async throws {
        let api = try await TestAPI()
        var definition = Samples.definition
        definition.set(["metadata", "name"], to: "other.example.com")
        #expect(await api.call(.post, definitions, definition).body["message"]?.string?.contains("must be spec.names.plural") == true)
    }

    /// `RealServerTests` holds all of `UnsoundDefinitions` against a real server; these are for machines without one.
    @Test(
        "what a structural schema must not say is refused where it stands",
        arguments: [
            ("a default beyond the limit", "properties[spec].properties[size].default"),
            ("a key that may be missing", "properties[spec].properties[parts].items.properties[name].default"),
            ("members and a map", "properties[spec].properties[tags].additionalProperties"),
            ("a set of objects", "properties[spec].properties[parts].items.x-kubernetes-map-type"),
            ("a default in an alternative", "properties[spec].anyOf[0].properties[size].default"),
            ("a word about a label", "properties[metadata]"),
            ("a rule about a member that is not declared", "properties[spec].x-kubernetes-validations[0].rule"),
            ("nothing changed", nil),
        ])
    func structural(title: String, place: String?) async throws {
        let definition = try #require(UnsoundDefinitions.all.first { $0.title == title }?.definition)
        let (_, status) = await (try TestAPI()).call(.post, definitions, definition)
        let fields =
            status.at("details", "causes")?.array?.compactMap { $0["field"]?.string?.replacing(/^spec\..*?(?=openAPIV3Schema)/, with: "") }
            ?? []
        #expect(fields == (place.map { ["openAPIV3Schema.\($0)"] } ?? []))
    }

    @Test("a dry run's new object has no version")
    func dryRun() async throws {
        let api = try await self.api()
        let created = try await api.object(.post, "\(widgets)?dryRun=All", Samples.widget("a", ["size": 2]))
        #expect(created.meta("uid") != nil && created.meta("resourceVersion") == nil)
    }

    @Test("Egret's own definitions are accepted, and their rules hold")
    func rules() async throws {
        let api = try await TestAPI()
        let folder = "\(Repository.root)/charts/egret/files/crds"
        for file in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
            let text = String(decoding: try Data(contentsOf: URL(filePath: "\(folder)/\(file)")), as: UTF8.self)
            _ = try await api.object(.post, definitions, try YAMLDocument.parseOne(text))
        }
        let mesh: JSON = [
            "apiVersion": "kuma.io/v1alpha1", "kind": "Mesh", "metadata": ["name": "m"], "spec": ["routing": ["zoneEgress": true]],
        ]
        let (code, status) = await api.call(.post, "apis/kuma.io/v1alpha1/meshes", mesh)
        #expect(code == 422)
        #expect(status["message"] == "Mesh.kuma.io \"m\" is invalid: spec.mtls: Required value: has to be set when zoneEgress enabled")

        func refusal(_ plural: String, _ kind: String, _ spec: JSON) async -> String {
            let object: JSON = ["apiVersion": "kuma.io/v1alpha1", "kind": .string(kind), "metadata": ["name": "a"], "spec": spec]
            let (code, status) = await api.call(.post, "apis/kuma.io/v1alpha1/\(plural)", object)
            return code == 422 ? status["message"]?.string ?? "" : "HTTP \(code)"
        }
        let namespaced = "namespaces/default/"
        #expect(
            await refusal(
                "trafficpermissions", "TrafficPermission", ["sources": [["match": [:]]], "destinations": [["match": ["a": "*"]]]]
            )
            .contains("spec.sources[0].match: Required value: must have at least one tag"))
        #expect(
            await refusal(
                "trafficroutes", "TrafficRoute",
                [
                    "sources": [["match": ["kuma.io/service": "*"]]], "destinations": [["match": ["kuma.io/service": "*"]]],
                    "conf": ["split": [["weight": 0, "destination": ["kuma.io/service": "a"]]]],
                ]
            ).contains("spec.conf.split: Invalid value: there must be at least one split entry with weight above 0"))
        #expect(
            await refusal("\(namespaced)meshtcproutes", "MeshTCPRoute", ["to": [["targetRef": ["kind": "MeshService"]]]])
                .contains("spec.to[0].targetRef.name: Required value: must be set with kind MeshService"))
        func route(_ rule: JSON) -> JSON { ["to": [["targetRef": ["kind": "MeshService", "name": "a"], "rules": [rule]]]] }
        #expect(
            await refusal(
                "\(namespaced)meshhttproutes", "MeshHTTPRoute",
                route(["matches": [["path": ["type": "PathPrefix", "value": "a"]]], "default": ["filters": [["type": "URLRewrite"]]]])
            ).contains("spec.to[0].rules[0].matches[0].path.value: Invalid value: must be an absolute path"))
        #expect(
            await refusal("\(namespaced)meshhttproutes", "MeshHTTPRoute", route(["matches": [], "default": [:]]))
                .contains("spec.to[0].rules[0].matches"))
        let twice: JSON = ["type": "Exact", "name": "a", "value": "b"]
        #expect(
            await refusal(
                "\(namespaced)meshhttproutes", "MeshHTTPRoute", route(["matches": [["queryParams": [twice, twice]]], "default": [:]])
            ).contains("spec.to[0].rules[0].matches[0].queryParams[1]: Duplicate value"))
        #expect(
            await refusal(
                "\(namespaced)meshexternalservices", "MeshExternalService",
                ["match": ["port": 443], "tls": ["version": ["min": "TLS13", "max": "TLS12"]]]
            ).contains("spec.tls.version.min: Invalid value: min version must be lower than max"))
        func strategy(_ locality: JSON) -> JSON {
            ["to": [["targetRef": ["kind": "Mesh"], "default": ["localityAwareness": locality]]]]
        }
        func strategyRefusal(_ spec: JSON) async -> String {
            await refusal("\(namespaced)meshloadbalancingstrategies", "MeshLoadBalancingStrategy", spec)
        }
        #expect(await strategyRefusal(["to": []]).contains("spec.to: Required value: needs at least one item"))
        #expect(
            await strategyRefusal(strategy(["crossZone": ["failover": [["to": ["type": "Only"]]]]])).contains(
                "crossZone.failover[0].to.zones: Required value: must not be empty when type is Only"))
        #expect(
            await strategyRefusal(strategy(["localZone": ["affinityTags": [["key": "a", "weight": 1], ["key": "b"]]]])).contains(
                "localZone.affinityTags: Invalid value: all or none affinity tags should have weight"))
        for percentage: JSON in [0, 101, "0", "0.0", "101", "-1", "hello", "1e1"] {
            #expect(
                await strategyRefusal(strategy(["crossZone": ["failoverThreshold": ["percentage": percentage]]])).contains(
                    "failoverThreshold.percentage"), "\(percentage)")
        }
        for (number, percentage) in ([1, 100, "70", "33.3", "0.5", "100.0"] as [JSON]).enumerated() {
            let object: JSON = [
                "apiVersion": "kuma.io/v1alpha1", "kind": "MeshLoadBalancingStrategy", "metadata": ["name": JSON("b-\(number)")],
                "spec": strategy(["crossZone": ["failoverThreshold": ["percentage": percentage]]]),
            ]
            let code = await api.call(.post, "apis/kuma.io/v1alpha1/\(namespaced)meshloadbalancingstrategies", object).code
            #expect(code == 201, "\(percentage)")
        }
    }

    @Test("a definition with a rule nobody can evaluate here is refused")
    func unknownRule() async throws {
        let api = try await TestAPI()
        let (code, status) = await api.call(.post, definitions, Self.withRule("self.size > 3"))
        #expect(code == 422)
        #expect(status["message"]?.string?.contains("openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule") == true)
    }

    private static func withRule(_ rule: String) -> JSON {
        var schema = Samples.schema
        schema.set(["properties", "spec", "x-kubernetes-validations"], to: [["rule": JSON(rule)]])
        var definition = Samples.definition
        var version = definition.at("spec", "versions")?[0] ?? [:]
        version.set(["schema", "openAPIV3Schema"], to: schema)
        definition.set(["spec", "versions"], to: [version])
        return definition
    }
}
