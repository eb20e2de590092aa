import JSONModel
import MeshModel
import Testing
import YAMLDocument

@Suite("MeshExternalServices")
struct MeshExternalServiceTests {
    private static let versions = "must be one of [\"TLSAuto\", \"TLS10\", \"TLS11\", \"TLS12\", \"TLS13\"]"

    @Test(
        "Everything that is wrong, in Kuma's words",
        arguments: [
            ("{match: {port: 80}}", []),
            ("{}", ["spec.match.port: port must be a valid (1-65535)"]),
            (
                "{match: {type: UnknownMatchType, port: 0, protocol: unknown}}",
                [
                    "spec.match.type: unrecognized type 'UnknownMatchType' - only 'HostnameGenerator' is supported",
                    "spec.match.port: port must be a valid (1-65535)",
                    "spec.match.protocol: \"protocol\" must be one of [\"tcp\", \"grpc\", \"http\", \"http2\"]",
                ]
            ),
            (
                "{match: {port: 80, protocol: kafka}}",
                ["spec.match.protocol: \"protocol\" must be one of [\"tcp\", \"grpc\", \"http\", \"http2\"]"]
            ),
            (
                "{match: {port: 80}, endpoints: [{address: 1.1.1.1}, {address: 1.1.1.2, port: 999999}, {address: example.com}, {address: 'unix:///tmp/example.sock', port: 80}, {port: 90}, {address: a.b, port: 1, priority: 129}]}",
                [
                    "spec.endpoints[3].address: address has to be a valid IP or hostname",
                    "spec.endpoints[0].port: port must be a valid (1-65535)", "spec.endpoints[1].port: port must be a valid (1-65535)",
                    "spec.endpoints[2].port: port must be a valid (1-65535)",
                    "spec.endpoints[4].address: address has to be a valid IP or hostname",
                    "spec.endpoints[5].priority: must be in inclusive range [0, 128]",
                ]
            ),
            (
                "{match: {port: 80}, tls: {version: {min: TLS15, max: TLS16}, verification: {serverName: 'not[]valid', mode: Unknown, subjectAltNames: [{type: Regex, value: x}], clientCert: {secret: '123'}}}}",
                [
                    "spec.tls.verification.serverName: must be a valid DNS name",
                    "spec.tls.verification.clientKey: must be defined when clientCert is defined",
                    "spec.tls.version.min: \"min\" \(versions)", "spec.tls.version.max: \"max\" \(versions)",
                    "spec.tls.verification.mode: \"mode\" must be one of [\"SkipSAN\", \"SkipCA\", \"SkipAll\", \"Secured\"]",
                    "spec.tls.verification.subjectAltNames[0].type: \"type\" must be one of [\"Prefix\", \"Exact\"]",
                ]
            ),
            (
                "{match: {port: 80}, tls: {version: {min: TLS13, max: TLS12}}}",
                ["spec.tls.version.min: min version must be lower than max"]
            ),
            ("{match: {port: 80}, tls: {version: {min: TLS13, max: TLSAuto}}}", []),
            (
                "{match: {port: 80}, tls: {verification: {clientKey: {secret: a}}}}",
                ["spec.tls.verification.clientCert: must be defined when clientKey is defined"]
            ),
            (
                "{match: {port: 80}, tls: {verification: {caCert: {secret: a, inline: b}}}}",
                ["spec.tls.verification.caCert: exactly one of secret, inline, inlineString and file has to be set"]
            ),
            ("{match: {port: 80}, extension: {config: {}}}", ["spec.extension.type: must not be empty"]),
            ("{match: {port: 80}, extension: {type: Lambda}, endpoints: [{address: ''}]}", []),
        ])
    func violations(spec: String, expected: [String]) throws {
        // The extension looks after its own endpoints, but the schema's rule about addresses stands.
        let allowed = spec.contains("Lambda") ? ["spec.endpoints[0].address: address has to be a valid IP or hostname"] : []
        #expect(try PolicyTests.violations("MeshExternalService", spec) == expected + allowed)
    }

    @Test("A name has at most 63 characters")
    func name() throws {
        #expect(try PolicyTests.violations("MeshExternalService", "{match: {port: 80}}", name: String(repeating: "b", count: 63)) == [])
        #expect(
            try PolicyTests.violations("MeshExternalService", "{match: {port: 80}}", name: String(repeating: "b", count: 64))
                == ["name: must not be longer than 63 characters"])
    }

    @Test("What is written is read: endpoints, modes, names, versions")
    func reading() throws {
        let spec = try YAMLDocument.parseOne(
            """
            match: {port: 443, protocol: http2}
            endpoints: [{address: a.example, port: 443}, {address: 10.0.0.1, port: 8443, priority: 1}]
            tls:
              enabled: true
              allowRenegotiation: true
              version: {min: TLS10, max: TLS13}
              verification:
                mode: SkipSAN
                subjectAltNames: [{value: a.example}, {type: Prefix, value: spiffe://a/}]
            """)
        let service = try MeshExternalService(name: "a", mesh: nil, spec: spec)
        #expect(service.port == 443 && service.speaks == .http2 && service.speaks.alpn == ["h2"])
        #expect(service.endpoints.map(\.priority) == [0, 1])
        let tls = try #require(service.tls)
        #expect(tls.mode == .skipSAN && tls.minVersion == .tls10 && tls.maxVersion == .tls13)
        #expect(tls.subjectAltNames.map(\.isPrefix) == [false, true])
        #expect(service.ignoredFields == ["tls.allowRenegotiation", "tls.version.min"])
        // TLS that is off has nothing to ignore.
        var off = spec
        off.set(["tls", "enabled"], to: false)
        #expect(try MeshExternalService(name: "a", mesh: nil, spec: off).ignoredFields.isEmpty)
    }

    @Test("Outbounds name one by reference, and nothing else beside it")
    func backendRef() throws {
        func violations(_ outbound: String) throws -> [String] {
            try PolicyTests.violations(
                "Dataplane",
                "{networking: {inbound: [{port: 80, tags: {kuma.io/service: a}}], outbound: [{port: 1\(outbound)}]}}")
        }
        #expect(try violations(", backendRef: {kind: MeshExternalService, name: a}") == [])
        #expect(try violations(", backendRef: {kind: MeshExternalService, labels: {kuma.io/display-name: a}, port: 80}") == [])
        #expect(
            try violations(", backendRef: {kind: MeshService, name: a}") == [
                "networking.outbound[0].backendRef.kind: invalid value. Available values are: MeshExternalService"
            ])
        #expect(
            try violations(", backendRef: {kind: MeshExternalService}")
                == ["networking.outbound[0].backendRef: either 'name' or 'labels' should be specified"])
        #expect(
            try violations(", service: b, backendRef: {kind: MeshExternalService, name: a}")
                == ["networking.outbound[0].backendRef: both backendRef and tags/service cannot be defined"])
    }

    @Test("Universal and Kubernetes forms of one resource are the same; a status that comes back is not part of it")
    func forms() throws {
        let spec = "{match: {port: 80}, endpoints: [{address: a.example, port: 80}]}"
        let universal = try ResourceDocument(
            YAMLDocument.parseOne("{type: MeshExternalService, mesh: default, name: a, spec: \(spec), status: {conditions: []}}"))
        let kubernetes = try ResourceDocument(
            YAMLDocument.parseOne(
                "{apiVersion: kuma.io/v1alpha1, kind: MeshExternalService, metadata: {name: a, labels: {kuma.io/mesh: default}}, spec: \(spec)}"
            ))
        #expect(universal.spec == kubernetes.spec && universal.mesh == kubernetes.mesh && universal.kind.path == "meshexternalservices")
        let permission = try ResourceDocument(
            YAMLDocument.parseOne(
                "{type: TrafficPermission, mesh: default, name: a, sources: [{match: {a: '*'}}], destinations: [{match: {a: '*'}}], status: {conditions: []}}"
            ))
        #expect(permission.spec["status"] == nil && permission.universal["sources"] != nil)
    }

    @Test(
        "Every kind has a path and is understood however it is said",
        arguments: [
            ("trafficpermission", "traffic-permissions"), ("traffic-permissions", "traffic-permissions"),
            ("TrafficRoutes", "traffic-routes"),
            ("meshexternalservice", "meshexternalservices"), ("meshtcproutes", "meshtcproutes"), ("MeshTCPRoute", "meshtcproutes"),
            ("meshhttproute", "meshhttproutes"),
            ("MeshLoadBalancingStrategy", "meshloadbalancingstrategies"),
        ])
    func spoken(word: String, path: String) {
        #expect(ResourceKind.spoken(word)?.path == path)
        #expect(ResourceKind.at(path: path) != nil)
    }
}
