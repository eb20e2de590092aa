import JSONModel
import MeshModel
import Testing
import YAMLDocument

/// What is wrong with policies, field by field and word for word.
@Suite("Policies")
struct PolicyTests {
    static func violations(_ kind: String, _ yaml: String, name: String = "x") throws -> [String] {
        let spec = try YAMLDocument.parse(yaml).first ?? .null
        let kind = try #require(ResourceKind.named(kind))
        do throws(InvalidResource) {
            try kind.check(name, "default", spec.isNull ? [:] : spec)
            return []
        } catch {
            return error.violations.map(\.description)
        }
    }

    private static let missing = "mandatory tag \"kuma.io/service\" is missing"
    private static let values =
        "tag value must consist of alphanumeric characters, dots, dashes, slashes and underscores or be \"*\""

    @Test(
        "TrafficPermission",
        arguments: [
            ("{}", ["sources: must have at least one element", "destinations: must have at least one element"]),
            (
                "{sources: [{match: {}}], destinations: [{match: {}}]}",
                ["sources[0].match: must have at least one tag", "destinations[0].match: must have at least one tag"]
            ),
            ("{sources: [{}], destinations: [{match: {a: b}}]}", ["sources[0].match: must have at least one tag"]),
            (
                "{sources: [{match: {region: ''}}], destinations: [{match: {'a b': c, d: 'e f'}}]}",
                [
                    "sources[0].match[\"region\"]: tag value must be non-empty",
                    "destinations[0].match[\"a b\"]: tag name must consist of alphanumeric characters, dots, dashes, slashes and underscores",
                    "destinations[0].match[\"d\"]: \(values)",
                ]
            ),
            ("{sources: [{match: {kuma.io/service: '*'}}], destinations: [{match: {kuma.io/service: 'a:b'}}]}", []),
        ])
    func trafficPermission(spec: String, expected: [String]) throws {
        #expect(try Self.violations("TrafficPermission", spec) == expected)
    }

    private static let ends = "sources: [{match: {kuma.io/service: '*'}}], destinations: [{match: {kuma.io/service: '*'}}]"

    @Test(
        "TrafficRoute",
        arguments: [
            (
                "{}",
                [
                    "sources: must have at least one element", "destinations: must have at least one element", "conf: cannot be empty",
                ]
            ),
            (
                "{sources: [{match: {region: eu}}], destinations: [{match: {kuma.io/service: a, region: eu}}], conf: {destination: {a: b}}}",
                [
                    "sources[0].match: \(missing)", "destinations[0].match: must consist of exactly one tag \"kuma.io/service\"",
                    "conf.destination: \(missing)", "destinations[0].match[\"region\"]: tag \"region\" is not allowed",
                ]
            ),
            ("{\(ends), conf: {}}", ["conf: requires either \"destination\" or \"split\""]),
            (
                "{\(ends), conf: {destination: {kuma.io/service: a}, split: [{weight: 1, destination: {kuma.io/service: a}}]}}",
                ["conf: \"split\" cannot be defined at the same time as \"destination\""]
            ),
            ("{\(ends), conf: {split: []}}", ["conf.split: must have at least one element"]),
            (
                "{\(ends), conf: {split: [{destination: {kuma.io/service: a}}]}}",
                ["conf.split: there must be at least one split entry with weight above 0", "conf.split[0].weight: needs to be defined"]
            ),
            (
                "{\(ends), conf: {split: [{weight: 0, destination: {}}]}}",
                [
                    "conf.split[0].destination: must have at least one tag", "conf.split[0].destination: \(missing)",
                    "conf.split: there must be at least one split entry with weight above 0",
                ]
            ),
            (
                "{\(ends), conf: {split: [{weight: 1, destination: {kuma.io/service: a}}, {weight: 0, destination: {kuma.io/service: b}}]}}",
                []
            ),
            (
                "{\(ends), conf: {destination: {kuma.io/service: a}, http: [{destination: {kuma.io/service: b}}]}}",
                ["conf.http[0].match: must be present and contain at least one of the elements: \"method\", \"path\" or \"headers\""]
            ),
            (
                "{\(ends), conf: {destination: {kuma.io/service: a}, http: [{match: {path: {}, headers: {}}, modify: {path: {}, host: {value: ''}}}]}}",
                [
                    "conf.http[0].match.path: cannot be empty. Available options: \"exact\", \"split\" or \"regex\"",
                    "conf.http[0].match.headers: must contain at least one element",
                    "conf.http[0].modify.path: either \"rewritePrefix\" or \"regex\" has to be set",
                    "conf.http[0].modify.host.value: cannot be empty", "conf.http[0]: requires either \"destination\" or \"split\"",
                ]
            ),
            (
                "{\(ends), conf: {destination: {kuma.io/service: a}, http: [{destination: {kuma.io/service: a}, match: {method: {exact: GET}}, modify: {path: {rewritePrefix: /a}, requestHeaders: {add: [{name: host, value: x}, {name: a}], remove: [{name: ':path'}]}}}]}}",
                [
                    "conf.http[0].modify.path.rewritePrefix: can only be set when .http.match.path.prefix is not empty",
                    "conf.http[0].modify.requestHeaders.add[0].name: host header and HTTP/2 pseudo-headers are not allowed to be modified",
                    "conf.http[0].modify.requestHeaders.add[1].value: cannot be empty",
                    "conf.http[0].modify.requestHeaders.remove[0].name: host header and HTTP/2 pseudo-headers are not allowed to be modified",
                ]
            ),
            (
                "{\(ends), conf: {destination: {kuma.io/service: a}, loadBalancer: {leastRequest: {choiceCount: 1}}}}",
                ["conf.loadBalancer.leastRequest.choiceCount: value must be greater than or equal to 2"]
            ),
            (
                "{\(ends), conf: {destination: {kuma.io/service: a}, loadBalancer: {ringHash: {hashFunction: MD5}}}}",
                ["conf.loadBalancer.ringHash.hashFunction: must have a valid hash function"]
            ),
        ])
    func trafficRoute(spec: String, expected: [String]) throws {
        #expect(try Self.violations("TrafficRoute", spec) == expected)
    }

    @Test(
        "MeshTCPRoute",
        arguments: [
            ("{}", []),
            ("{targetRef: {kind: BlahBlah, name: frontend}}", ["spec.targetRef.kind: value is not supported"]),
            ("{targetRef: {}}", ["spec.targetRef.kind: must be defined"]),
            ("{targetRef: {kind: Mesh, name: a}}", ["spec.targetRef.name: using name with kind Mesh is not yet supported"]),
            ("{targetRef: {kind: Mesh, tags: {a: b}}}", ["spec.targetRef.tags: must not be set with kind Mesh"]),
            ("{targetRef: {kind: MeshSubset, name: a, tags: {a: b}}}", ["spec.targetRef.name: must not be set with kind MeshSubset"]),
            ("{targetRef: {kind: MeshService}}", ["spec.targetRef.name: must be set with kind MeshService"]),
            (
                "{targetRef: {kind: MeshService, name: A, mesh: b, proxyTypes: [Sidecar]}}",
                [
                    "spec.targetRef.name: invalid characters: must consist of lower case alphanumeric characters, '-', '.' and '_'.",
                    "spec.targetRef.mesh: must not be set with kind MeshService",
                    "spec.targetRef.proxyTypes: must not be set with kind MeshService",
                ]
            ),
            ("{to: [{targetRef: {kind: Mesh}}]}", ["spec.to[0].targetRef.kind: value is not supported"]),
            (
                "{targetRef: {kind: MeshGateway, name: edge}, to: [{targetRef: {kind: MeshService, name: a}}]}",
                ["spec.to[0].targetRef.kind: value is not supported"]
            ),
            ("{to: [{targetRef: {kind: MeshExternalService, name: a}}]}", []),
            ("{to: [{rules: []}]}", ["spec.to[0].targetRef.kind: must be defined"]),
            (
                "{to: [{targetRef: {kind: MeshService, name: a}, rules: [{default: {}}]}]}",
                ["spec.to[0].rules[0].default.backendRefs: must be defined"]
            ),
            (
                "{to: [{targetRef: {kind: MeshService, name: a}, rules: [{default: {backendRefs: [{kind: MeshServiceSubset, tags: {version: v1}}]}}]}]}",
                ["spec.to[0].rules[0].default.backendRefs[0].name: must be set with kind MeshServiceSubset"]
            ),
            (
                "{to: [{targetRef: {kind: MeshService, name: a}, rules: [{default: {backendRefs: [{kind: MeshMultiZoneService, name: a}]}}]}]}",
                ["spec.to[0].rules[0].default.backendRefs[0].kind: value is not supported"]
            ),
            (
                "{to: [{targetRef: {kind: MeshService, name: a}, rules: [{default: {backendRefs: [{kind: MeshService, name: a, weight: 0}]}}]}]}",
                ["spec.to[0].rules[0].default.backendRefs: there must be at least one entry with weight above 0"]
            ),
        ])
    func meshTCPRoute(spec: String, expected: [String]) throws {
        #expect(try Self.violations("MeshTCPRoute", spec) == expected)
    }

    @Test(
        "MeshTrafficPermission",
        arguments: [
            (
                "{targetRef: {kind: Nonsense}, from: [{targetRef: {kind: Mesh}, default: {action: Allow}}]}",
                "spec.targetRef.kind: value is not supported"
            ),
            (
                "{targetRef: {kind: MeshService}, from: [{targetRef: {kind: Mesh}, default: {action: Allow}}]}",
                "spec.targetRef.name: must be set with kind MeshService"
            ),
            (
                "{targetRef: {kind: MeshExternalService}, from: [{targetRef: {kind: Mesh}, default: {action: Allow}}]}",
                "spec.targetRef.name: must be set with kind MeshExternalService"
            ),
            (
                "{targetRef: {kind: Mesh}, from: [{targetRef: {kind: MeshExternalService, name: a}, default: {action: Allow}}]}",
                "spec.from[0].targetRef.kind: value is not supported"
            ),
        ])
    func meshTrafficPermission(spec: String, expected: String) throws {
        #expect(try Self.violations("MeshTrafficPermission", spec) == [expected])
    }

    @Test("Selectors: every tag has to be there, * for any value; exact values rank before those")
    func selectors() {
        let selector = TagSelector(["kuma.io/service": "web", "version": "*"])
        #expect(selector.matches(["kuma.io/service": "web", "version": "1", "region": "eu"]))
        #expect(!selector.matches(["kuma.io/service": "web"]))
        #expect(!selector.matches(["kuma.io/service": "api", "version": "1"]))
        #expect(selector.rank == TagSelector.Rank(exact: 1, wildcard: 1))
        #expect(TagSelector(["a": "*", "b": "*"]).rank < TagSelector(["a": "1"]).rank)
        #expect(TagSelector(["a": "1"]).rank < selector.rank)
    }
}
