import JSONModel
import KubeAPI
import Planning
import Routing
import TestKit
import Testing

/// Objects that no schema has seen.
@Suite("Nonsense")
struct NonsenseTests {

    private static let nonsense: [JSON] = [
        .null, true, false, 0, -1, 65536, 9_223_372_036_854_775_807, 0.5, "", "x", "::", "a:b:c", "127.0.0.1:99999999999999999999",
        "999999999999999999999y", "default", "{}", [], [[:]], [[]], [:], ["kuma.io/service": 5], "\u{0}", "ä",
    ]

    /// Replaces one value somewhere below `json`.
    private func spoil(_ json: JSON, with generator: inout SeededGenerator) -> JSON {
        switch json {
        case .object(var members) where !members.isEmpty && Int.random(in: 0..<6, using: &generator) > 0:
            let key = members.keys.sorted().randomElement(using: &generator)!
            members[key] = self.spoil(members[key]!, with: &generator)
            return .object(members)
        case .array(var elements) where !elements.isEmpty && Int.random(in: 0..<6, using: &generator) > 0:
            let index = elements.indices.randomElement(using: &generator)!
            elements[index] = self.spoil(elements[index], with: &generator)
            return .array(elements)
        default: return Self.nonsense.randomElement(using: &generator)!
        }
    }

    private static let policies = """
        ---
        apiVersion: kuma.io/v1alpha1
        kind: MeshExternalService
        metadata: {name: outside, namespace: kuma-system}
        spec:
          match: {port: 443, protocol: http}
          endpoints: [{address: a.example, port: 443}, {address: 10.0.0.1, port: 443, priority: 1}]
          tls: {enabled: true, version: {min: TLS12, max: TLS13}, verification: {mode: Secured, subjectAltNames: [{value: a}]}}
        ---
        apiVersion: kuma.io/v1alpha1
        kind: TrafficPermission
        mesh: default
        metadata: {name: web}
        spec: {sources: [{match: {kuma.io/service: web}}], destinations: [{match: {kuma.io/service: '*', version: v1}}]}
        ---
        apiVersion: kuma.io/v1alpha1
        kind: TrafficRoute
        mesh: default
        metadata: {name: all}
        spec:
          sources: [{match: {kuma.io/service: '*'}}]
          destinations: [{match: {kuma.io/service: '*'}}]
          conf:
            split: [{weight: 1, destination: {kuma.io/service: '*'}}, {weight: 2, destination: {kuma.io/service: db, version: '*'}}]
            http: [{match: {path: {prefix: /}}, modify: {host: {value: a}}, destination: {kuma.io/service: db}}]
        ---
        apiVersion: kuma.io/v1alpha1
        kind: MeshTCPRoute
        metadata: {name: canary, namespace: kuma-system}
        spec:
          targetRef: {kind: MeshSubset, tags: {kuma.io/service: web_demo_svc_80}}
          to:
          - targetRef: {kind: MeshService, name: backend}
            rules: [{default: {backendRefs: [{kind: MeshService, name: db, weight: 3}, {kind: MeshExternalService, name: outside}]}}]
        ---
        apiVersion: kuma.io/v1alpha1
        kind: MeshHTTPRoute
        metadata: {name: requests, namespace: kuma-system}
        spec:
          targetRef: {kind: MeshService, name: web_demo_svc_80}
          to:
          - targetRef: {kind: MeshService, name: httpbin}
            rules:
            - matches: [{path: {type: PathPrefix, value: /a}, headers: [{name: x, value: b}], queryParams: [{type: Exact, name: x, value: b}]}]
              default:
                filters:
                - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x, value: b}], remove: [z]}}
                - {type: URLRewrite, urlRewrite: {hostname: a.example, path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}
                - {type: RequestMirror, requestMirror: {percentage: "0.5", backendRef: {kind: MeshService, name: db}}}
                backendRefs: [{kind: MeshServiceSubset, name: db, tags: {version: v1}}]
            - {matches: [{}], default: {backendRefs: [{kind: MeshService, name: db}]}}
        ---
        apiVersion: kuma.io/v1alpha1
        kind: MeshLoadBalancingStrategy
        metadata: {name: near, namespace: kuma-system}
        spec:
          to:
          - targetRef: {kind: MeshService, name: backend}
            default:
              localityAwareness:
                localZone: {affinityTags: [{key: node, weight: 3}]}
                crossZone: {failover: [{from: {zones: [default]}, to: {type: Only, zones: [east]}}], failoverThreshold: {percentage: 70}}

        """

    private func world() throws -> TestZone {
        var zone = try TestZone()
        try zone.addMesh()
        try zone.add(Fixture.httpbin + Fixture.east + Fixture.allowAll + Self.policies)
        try zone.addWorkload(
            "web", ip: "10.3.0.1",
            outbounds:
                "{port: 1, tags: {kuma.io/service: httpbin}}, {port: 2, tags: {kuma.io/service: backend}}, {port: 3, backendRef: {kind: MeshExternalService, name: outside}}",
            inbound: ", servicePort: 8080")
        zone.settle()
        try zone.addEgressPod(1)
        zone.settle()
        return zone
    }

    @Test("Whatever stands in the objects, plans come to rest, statuses stay lawful and others are served", arguments: 0..<8)
    func random(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let sane = try self.world()
        for _ in 0..<30 {
            var zone = sane
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let types = ResourceType.kumaTypes + [.deployments, .services, .pods, .secrets]
                let type = types.randomElement(using: &generator)!
                guard let object = zone.observed.objects.sorted(type).randomElement(using: &generator) else { continue }
                let part = ["spec", "status", "data", "mesh"].randomElement(using: &generator)!
                guard let value = object[part] else { continue }
                var spoilt = object
                spoilt[part] = self.spoil(value, with: &generator)
                zone.observed.objects[type][object.key] = spoilt
            }
            let plan = zone.settle()
            // One broken object never takes the egress's listener along.
            if let config = plan.egressConfig() { #expect(config.listeners.count == 1) }
        }
    }
}
