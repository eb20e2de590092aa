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

    private static func http(_ rules: String, target: String = "kind: Mesh", to: String = "kind: MeshService, name: a") -> String {
        "{targetRef: {\(target)}, to: [{targetRef: {\(to)}, rules: [\(rules)]}]}"
    }

    private static func filters(_ filters: String, matches: String = "{path: {type: PathPrefix, value: /}}") -> String {
        Self.http("{matches: [\(matches)], default: {filters: [\(filters)]}}")
    }

    private static let rule = "spec.to[0].rules[0]"
    private static let subdomain =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

    @Test(
        "MeshHTTPRoute: whose calls, to what and where to",
        arguments: [
            ("{}", []), ("{to: []}", []),
            ("{targetRef: {kind: BlahBlah, name: frontend}}", ["spec.targetRef.kind: value is not supported"]),
            ("{to: [{targetRef: {kind: Mesh}}]}", ["spec.to[0].targetRef.kind: value is not supported"]),
            ("{to: [{rules: []}]}", ["spec.to[0].targetRef.kind: must be defined"]),
            (
                "{targetRef: {kind: MeshGateway, name: edge}, to: [{targetRef: {kind: MeshService, name: a}}]}",
                ["spec.to[0].targetRef.kind: value is not supported"]
            ),
            ("{to: [{targetRef: {kind: MeshExternalService, name: a}, hostnames: []}]}", []),
            ("{to: [{targetRef: {kind: MeshService, name: a}, hostnames: [a.b]}]}", ["spec.to[0].hostnames: must not be defined"]),
            (
                "{targetRef: {kind: MeshGateway, name: edge, tags: {port: http}}, to: [{targetRef: {kind: Mesh}, hostnames: [a.b], rules: [{matches: [{}], default: {backendRefs: [{kind: MeshService, name: a}]}}]}]}",
                []
            ),
            (Self.http("{}"), ["\(Self.rule).matches: must be defined", "\(Self.rule).default: must be defined"]),
            (Self.http("{matches: [], default: {}}"), ["\(Self.rule).matches: must not be empty"]),
            (Self.http("{matches: [{}], default: {}}"), []),
            (Self.http("{matches: [{}], default: {backendRefs: []}}"), []),
            (
                Self.http("{matches: [{}], default: {backendRefs: [{kind: MeshServiceSubset, tags: {version: v1}}]}}"),
                ["\(Self.rule).default.backendRefs[0].name: must be set with kind MeshServiceSubset"]
            ),
            (
                Self.http("{matches: [{}], default: {backendRefs: [{kind: MeshService, name: a, weight: 0}]}}"),
                ["\(Self.rule).default.backendRefs: there must be at least one entry with weight above 0"]
            ),
            (
                Self.http("{matches: [{}], default: {backendRefs: [{kind: MeshHTTPRoute, name: a}]}}"),
                ["\(Self.rule).default.backendRefs[0].kind: value is not supported"]
            ),
            (
                Self.http("{matches: [{}], default: {}}", target: "kind: MeshGateway, name: edge", to: "kind: Mesh"),
                ["\(Self.rule).default.backendRefs: must not be empty"]
            ),
            (
                Self.http(
                    "{matches: [{}], default: {filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}}",
                    target: "kind: MeshGateway, name: edge", to: "kind: Mesh"), []
            ),
        ])
    func meshHTTPRoute(spec: String, expected: [String]) throws {
        #expect(try Self.violations("MeshHTTPRoute", spec) == expected)
    }

    @Test(
        "MeshHTTPRoute: matches",
        arguments: [
            (
                "{path: {type: Exact, value: relative}}, {path: {type: PathPrefix, value: /trailing/slash/}}, {path: {type: PathPrefix, value: relative}}",
                [
                    "matches[0].path.value: must be an absolute path", "matches[2].path.value: must be an absolute path",
                    "matches[1].path.value: does not need a trailing slash because only a `/`-separated prefix or an entire path is matched",
                ]
            ),
            ("{path: {type: RegularExpression, value: '.*/a/'}}, {path: {type: Exact, value: /a/}}", []),
            ("{path: {}}", ["matches[0].path.type: must be defined", "matches[0].path.value: must be defined"]),
            (
                "{path: {type: Prefix, value: /}, method: get}",
                [
                    "matches[0].path.type: has to be one of Exact, PathPrefix, RegularExpression; is \"Prefix\"",
                    "matches[0].method: has to be one of CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE; is \"get\"",
                ]
            ),
            (
                "{queryParams: [{type: Exact, name: foo, value: bar}, {type: RegularExpression, name: foo, value: baz}, {type: Prefix}]}",
                [
                    "matches[0].queryParams[1].name: multiple entries for name foo",
                    "matches[0].queryParams[2].name: must be defined", "matches[0].queryParams[2].value: must be defined",
                    "matches[0].queryParams[2].type: has to be one of Exact, RegularExpression; is \"Prefix\"",
                ]
            ),
            (
                "{headers: [{type: Present, name: foo, value: x}, {type: Absent, name: foo, value: x}, {type: Absent, name: foo}, {name: foo}]}",
                ["matches[0].headers[0].value: must not be defined", "matches[0].headers[1].value: must not be defined"]
            ),
            (
                "{headers: [{type: Prefix, name: X-Foo, value: x}, {}]}",
                [
                    "matches[0].headers[0].name: must be a header's name of at most 256 characters, in lower case; is \"X-Foo\"",
                    "matches[0].headers[1].name: must be defined",
                ]
            ),
        ])
    func matches(matches: String, expected: [String]) throws {
        #expect(
            try Self.violations("MeshHTTPRoute", Self.http("{matches: [\(matches)], default: {}}")) == expected.map { "\(Self.rule).\($0)" }
        )
    }

    @Test(
        "MeshHTTPRoute: filters",
        arguments: [
            (
                "{type: RequestHeaderModifier}, {type: ResponseHeaderModifier}, {type: RequestRedirect}, {type: RequestMirror}, {type: URLRewrite}, {}, {type: Gzip}",
                [
                    "[0].requestHeaderModifier: must be defined", "[1].responseHeaderModifier: must be defined",
                    "[2].requestRedirect: must be defined", "[4].urlRewrite: must be defined", "[3].requestMirror: must be defined",
                    "[5].type: must be defined",
                    "[6].type: has to be one of RequestHeaderModifier, ResponseHeaderModifier, RequestRedirect, URLRewrite, RequestMirror; is \"Gzip\"",
                ]
            ),
            (
                "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: foo, value: bar}, {name: foo, value: bazz}]}}, {type: ResponseHeaderModifier, responseHeaderModifier: {}}, {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: foo, value: bar}], add: [{name: foo, value: bar}], remove: [foo]}}, {type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: A}]}}",
                [
                    "[1].responseHeaderModifier: must have at least one defined: set, add, remove",
                    "[0].requestHeaderModifier.set[1].name: duplicate header name",
                    "[2].responseHeaderModifier.add[0].name: duplicate header name",
                    "[2].responseHeaderModifier.remove[0].name: duplicate header name",
                    "[3].requestHeaderModifier.add[0].name: must be a header's name of at most 256 characters, in lower case; is \"A\"",
                    "[3].requestHeaderModifier.add[0].value: must be defined",
                ]
            ),
            (
                "{type: RequestHeaderModifier, requestHeaderModifier: {remove: [\((1...17).map { "h\($0)" }.joined(separator: ", "))]}}",
                ["[0].requestHeaderModifier.remove: must have at most 16 items"]
            ),
            (
                "{type: URLRewrite, urlRewrite: {hostname: a.b, hostToBackendHostname: true}}",
                [
                    "[0].urlRewrite.hostToBackendHostname: cannot be set together with hostname",
                    "[0].urlRewrite.hostToBackendHostname: can only be set with MeshGateway",
                ]
            ),
            (
                "{type: RequestMirror, requestMirror: {backendRef: {kind: MeshServiceSubset, tags: {version: v1}}}}, {type: RequestMirror, requestMirror: {percentage: some}}, {type: RequestMirror, requestMirror: {percentage: [], backendRef: {kind: MeshExternalService, name: a}}}",
                [
                    "[0].requestMirror.backendRef.name: must be set with kind MeshServiceSubset",
                    "[1].requestMirror.backendRef: must be defined",
                    "[1].requestMirror.percentage: must be a number, such as 10 or \"0.5\"; is \"some\"",
                    "[2].requestMirror.percentage: must be an integer or a string, is of type array",
                    "[2].requestMirror.backendRef.kind: value is not supported",
                ]
            ),
            (
                "{type: RequestMirror, requestMirror: {percentage: 10, backendRef: {kind: MeshService, name: a}}}, {type: RequestMirror, requestMirror: {percentage: '99.9', backendRef: {kind: MeshService, name: a}}}",
                []
            ),
            (
                "{type: RequestRedirect, requestRedirect: {scheme: ftp, port: 0, statusCode: 200, path: {type: Replace}}}",
                [
                    "[0].requestRedirect.scheme: has to be one of http, https; is \"ftp\"",
                    "[0].requestRedirect.port: port must be in the range [1, 65535]",
                    "[0].requestRedirect.statusCode: has to be one of 301, 302, 303, 307, 308; is 200",
                    "[0].requestRedirect.path.type: has to be one of ReplaceFullPath, ReplacePrefixMatch; is \"Replace\"",
                ]
            ),
            (
                "{type: RequestRedirect, requestRedirect: {hostname: 127.0.0.1}}, {type: URLRewrite, urlRewrite: {hostname: '2001:db8::1'}}, {type: RequestRedirect, requestRedirect: {hostname: a..bc}}, {type: URLRewrite, urlRewrite: {hostname: a-.b}}, {type: URLRewrite, urlRewrite: {hostname: \(String(repeating: "a.", count: 127))}}, {type: URLRewrite, urlRewrite: {hostname: A_b}}, {type: URLRewrite, urlRewrite: {hostname: \(String(repeating: "a.", count: 126))a}}",
                [
                    "[0].requestRedirect.hostname: cannot be an IP address", "[1].urlRewrite.hostname: cannot be an IP address",
                    "[2].requestRedirect.hostname: \(Self.subdomain)", "[3].urlRewrite.hostname: \(Self.subdomain)",
                    "[4].urlRewrite.hostname: must be no more than 253 characters", "[4].urlRewrite.hostname: \(Self.subdomain)",
                    "[5].urlRewrite.hostname: \(Self.subdomain)",
                ]
            ),
        ])
    func filters(filters: String, expected: [String]) throws {
        let expected = expected.map { "\(Self.rule).default.filters\($0)" }
        #expect(try Self.violations("MeshHTTPRoute", Self.filters(filters)) == expected)
    }

    @Test("MeshHTTPRoute: a prefix is replaced only where every match is of one")
    func replacedPrefix() throws {
        let path = "path: {type: ReplacePrefixMatch, replacePrefixMatch: /other}"
        let both = "{type: URLRewrite, urlRewrite: {\(path)}}, {type: RequestRedirect, requestRedirect: {\(path)}}"
        #expect(try Self.violations("MeshHTTPRoute", Self.filters(both, matches: "{path: {type: PathPrefix, value: /prefix}}")) == [])
        for other in ["{path: {type: Exact, value: /prefix}}", "{}", "{path: {type: PathPrefix, value: /a}}, {method: GET}"] {
            #expect(
                try Self.violations("MeshHTTPRoute", Self.filters(both, matches: other)) == [
                    "\(Self.rule).default.filters[0].urlRewrite.path.replacePrefixMatch: can only appear if all matches match a path prefix",
                    "\(Self.rule).default.filters[1].requestRedirect.path.replacePrefixMatch: can only appear if all matches match a path prefix",
                ])
        }
    }

    @Test(
        "Rules of a MeshHTTPRoute that every request matches are told from others",
        arguments: [
            ("{}", true), ("{path: {type: PathPrefix, value: /}}", true), ("{headers: [], queryParams: []}", true),
            ("{path: {type: Exact, value: /a}}, {path: {type: PathPrefix, value: /}}", true),
            ("{path: {type: PathPrefix, value: /a}}", false), ("{path: {type: Exact, value: /}}", false),
            ("{path: {type: RegularExpression, value: '.*'}}", false), ("{method: GET}", false),
            ("{path: {type: PathPrefix, value: /}, headers: [{name: a, value: b}]}", false),
            ("{queryParams: [{type: Exact, name: a, value: b}]}, {method: PUT}", false),
        ])
    func everything(matches: String, expected: Bool) throws {
        let spec = try YAMLDocument.parseOne(Self.http("{matches: [\(matches)], default: {}}"))
        let route = try MeshHTTPRoute(name: "x", mesh: nil, spec: spec)
        #expect(route.to.flatMap(\.rules).map(\.isAboutEverything) == [expected])
        #expect(route.ignoredFields == (expected ? [] : ["to[].rules[].matches"]))
    }

    private static func strategy(_ conf: String) -> String {
        "{targetRef: {kind: Mesh}, to: [{targetRef: {kind: MeshService, name: a}, default: {\(conf)}}]}"
    }

    private static func zones(_ conf: String) -> String { self.strategy("localityAwareness: {\(conf)}") }

    private static let conf = "spec.to[0].default"
    private static let rules = "spec.to[0].default.localityAwareness.crossZone.failover"

    @Test(
        "MeshLoadBalancingStrategy",
        arguments: [
            ("{}", ["spec.to: needs at least one item"]),
            (
                "{targetRef: {kind: MeshGatewayRoute, name: a}, to: []}",
                ["spec.to: needs at least one item", "spec.targetRef.kind: value is not supported"]
            ),
            (
                "{targetRef: {kind: MeshService}, to: [{targetRef: {kind: MeshServiceSubset, name: a, tags: {v: '1'}}}]}",
                ["spec.targetRef.name: must be set with kind MeshService", "spec.to[0].targetRef.kind: value is not supported"]
            ),
            ("{to: [{default: {}}]}", ["spec.to[0].targetRef.kind: must be defined"]),
            ("{targetRef: {kind: MeshGateway, name: edge, tags: {name: x}}, to: [{targetRef: {kind: Mesh}}]}", []),
            (
                zones("localZone: {affinityTags: [{key: k8s/node, weight: 0}, {key: '', weight: 10}]}"),
                [
                    "\(conf).localityAwareness.localZone.affinityTags[0].weight: must be greater than 0",
                    "\(conf).localityAwareness.localZone.affinityTags[1].key: must not be empty",
                ]
            ),
            (
                zones("localZone: {affinityTags: [{key: k8s/node, weight: 10}, {key: k8s/az}]}"),
                ["\(conf).localityAwareness.localZone.affinityTags: all or none affinity tags should have weight"]
            ),
            (
                zones("crossZone: {failover: [{from: {zones: []}, to: {type: None}}, {from: {zones: [a, '']}, to: {type: Any}}]}"),
                ["\(rules)[0].from.zones: must not be empty", "\(rules)[1].from.zones[1]: must not be empty"]
            ),
            (
                zones(
                    "crossZone: {failover: [{to: {type: None, zones: [a]}}, {to: {type: Any, zones: [a]}}, {to: {type: Only, zones: []}}, {to: {type: AnyExcept}}, {to: {type: Some}}, {}]}"
                ),
                [
                    "\(rules)[1].to.zones: must be empty when type is Any", "\(rules)[0].to.zones: must be empty when type is None",
                    "\(rules)[3].to.zones: must not be empty when type is AnyExcept",
                    "\(rules)[2].to.zones: must not be empty when type is Only",
                    "\(rules)[4].to.type: unrecognized type; has to be one of None, Only, Any, AnyExcept",
                    "\(rules)[5].to.type: unrecognized type; has to be one of None, Only, Any, AnyExcept",
                ]
            ),
            (
                zones(
                    "localZone: {affinityTags: [{key: k8s/node}, {key: k8s/az}]}, crossZone: {failover: [{from: {zones: [a]}, to: {type: Only, zones: [b]}}, {to: {type: AnyExcept, zones: [a]}}, {to: {type: None}}], failoverThreshold: {percentage: 70}}"
                ), []
            ),
            (strategy("loadBalancer: {type: LeastRequest, leastRequest: {activeRequestBias: '1.3', choiceCount: 2}}"), []),
            (
                strategy("loadBalancer: {type: LeastRequest, leastRequest: {activeRequestBias: -1, choiceCount: 1}}"),
                [
                    "\(conf).loadBalancer.leastRequest.choiceCount: must be greater or equal then: 2",
                    "\(conf).loadBalancer.leastRequest.activeRequestBias: must be greater or equal then: 0",
                ]
            ),
            (
                strategy(
                    "loadBalancer: {type: RingHash, ringHash: {hashFunction: XXHash, minRingSize: 1, maxRingSize: 10, hashPolicies: [{type: Header}, {type: Cookie}, {type: Connection}, {type: QueryParameter}, {type: FilterState}, {type: SourceIP}]}}"
                ),
                [
                    "\(conf).loadBalancer.ringHash.hashPolicies[0].header: must be defined",
                    "\(conf).loadBalancer.ringHash.hashPolicies[1].cookie: must be defined",
                    "\(conf).loadBalancer.ringHash.hashPolicies[2].connection: must be defined",
                    "\(conf).loadBalancer.ringHash.hashPolicies[3].queryParameter: must be defined",
                    "\(conf).loadBalancer.ringHash.hashPolicies[4].filterState: must be defined",
                ]
            ),
            (
                strategy(
                    "loadBalancer: {type: Maglev, maglev: {tableSize: 0, hashPolicies: [{type: Cookie, terminal: true, cookie: {name: a, ttl: 1s, path: b}}, {type: Cookie, cookie: {name: a, path: /b}}]}}"
                ),
                [
                    "\(conf).loadBalancer.maglev.hashPolicies[0].cookie.path: must be an absolute path",
                    "\(conf).loadBalancer.maglev.tableSize: must be in the range [1, 5000011]",
                ]
            ),
            (
                strategy("loadBalancer: {type: Fastest}"),
                ["\(conf).loadBalancer.type: has to be one of RoundRobin, LeastRequest, RingHash, Random, Maglev; is \"Fastest\""]
            ),
            (strategy("loadBalancer: {}"), ["\(conf).loadBalancer.type: must be defined"]),
        ])
    func meshLoadBalancingStrategy(spec: String, expected: [String]) throws {
        #expect(try Self.violations("MeshLoadBalancingStrategy", spec) == expected)
    }

    @Test(
        "A threshold is a number above 0 and up to 100, as a text too",
        arguments: [
            ("{percentage: 1}", nil), ("{percentage: 100}", nil), ("{percentage: '70'}", nil), ("{percentage: '33.3'}", nil),
            ("{percentage: '0.5'}", nil), ("{percentage: 0}", "must be greater than 0"), ("{percentage: '0.0'}", "must be greater than 0"),
            ("{percentage: hello}", "string must be a valid number"), ("{percentage: 'inf'}", "string must be a valid number"),
            ("{percentage: 101}", "must be in inclusive range [0.0, 100.0]"),
            ("{percentage: '-1'}", "must be in inclusive range [0.0, 100.0]"),
            ("{percentage: 1.5}", "must be an integer or a string, is of type number"), ("{}", "must be defined"),
        ] as [(String, String?)])
    func failoverThreshold(threshold: String, expected: String?) throws {
        let found = try Self.violations("MeshLoadBalancingStrategy", Self.zones("crossZone: {failoverThreshold: \(threshold)}"))
        #expect(found == expected.map { ["\(Self.conf).localityAwareness.crossZone.failoverThreshold.percentage: \($0)"] } ?? [])
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
