import JSONModel
import MeshModel
import Testing
import YAMLDocument

@Suite("Resources")
struct ResourceTests {
    private func violations<Resource: MeshResource>(_ type: Resource.Type, _ spec: JSON, name: String = "x") -> [String] {
        do throws(InvalidResource) {
            _ = try Resource(name: name, mesh: "default", spec: spec)
            return []
        } catch {
            return error.violations.map(\.description)
        }
    }

    private static let builtin: JSON = ["enabledBackend": "ca-1", "backends": [["name": "ca-1", "type": "builtin"]]]

    @Test("zoneEgress without mTLS is refused at the field mtls")
    func zoneEgressNeedsMTLS() {
        #expect(self.violations(Mesh.self, ["routing": ["zoneEgress": true]]) == ["mtls: has to be set when zoneEgress enabled"])
        #expect(
            self.violations(Mesh.self, ["routing": ["zoneEgress": true], "mtls": ["enabledBackend": "", "backends": []]])
                == ["mtls: has to be set when zoneEgress enabled"])
        #expect(self.violations(Mesh.self, ["routing": ["zoneEgress": true], "mtls": Self.builtin]).isEmpty)
        #expect(self.violations(Mesh.self, ["routing": ["zoneEgress": false]]).isEmpty)
    }

    @Test("A mesh's backends are checked")
    func backends() {
        let unknown: JSON = ["mtls": ["enabledBackend": "ca-2", "backends": [["name": "ca-1", "type": "builtin"]]]]
        #expect(self.violations(Mesh.self, unknown) == ["mtls.enabledBackend: has to be set to one of the backends in the mesh"])
        let two: JSON = ["mtls": ["backends": [["name": "a", "type": "builtin"], ["name": "b", "type": "builtin"]]]]
        #expect(self.violations(Mesh.self, two) == ["mtls.backends: cannot have more than 1 backends"])
        let keyless: JSON = ["mtls": ["backends": [["name": "a", "type": "provided", "conf": ["cert": ["secret": "s"]]]]]]
        #expect(self.violations(Mesh.self, keyless) == ["mtls.backends[0].conf: cert and key have to be defined"])
        let twice: JSON = [
            "mtls": [
                "backends": [
                    ["name": "a", "type": "provided", "conf": ["cert": ["secret": "s", "inline": "eA=="], "key": ["secret": "s"]]]
                ]
            ]
        ]
        #expect(
            self.violations(Mesh.self, twice)
                == ["mtls.backends[0].conf.cert: exactly one of secret, inline, inlineString and file has to be set"])
        #expect(self.violations(Mesh.self, [:], name: String(repeating: "m", count: 64)).count == 2)
    }

    @Test("The source document's mesh has what it says")
    func sourceMesh() throws {
        let mesh = try Mesh(
            name: "default",
            spec: [
                "routing": ["zoneEgress": true],
                "mtls": [
                    "enabledBackend": "ca-1",
                    "backends": [
                        [
                            "name": "ca-1", "type": "builtin", "dpCert": ["rotation": ["expiration": "1d"]],
                            "conf": ["caCert": ["RSAbits": 2048, "expiration": "10y"]],
                        ]
                    ],
                ],
            ])
        #expect(mesh.usesEgress)
        #expect(mesh.backend?.certificateLife == .seconds(86_400))
        #expect(mesh.backend?.authority == .builtin(rsaBits: 2048, expiration: .seconds(3650 * 86_400)))
        #expect(mesh.backend?.mode == .strict)
        #expect(mesh.ignoredFields.isEmpty)
    }

    @Test("A backend is strict or permissive")
    func mode() throws {
        func spec(_ mode: JSON) -> JSON {
            ["mtls": ["enabledBackend": "ca-1", "backends": [["name": "ca-1", "type": "builtin", "mode": mode]]]]
        }
        #expect(try Mesh(name: "default", spec: spec("PERMISSIVE")).backend?.mode == .permissive)
        #expect(try Mesh(name: "default", spec: spec("PERMISSIVE")).ignoredFields.isEmpty)
        #expect(
            self.violations(Mesh.self, spec("permissive"))
                == ["mtls.backends[0].mode: has to be one of STRICT, PERMISSIVE; is \"permissive\""])
    }

    @Test("Fields that do nothing are named")
    func ignored() throws {
        let mesh = try Mesh(
            name: "default",
            spec: [
                "tracing": ["defaultBackend": "z"], "logging": [:],
                "networking": ["outbound": ["passthrough": false]],
            ])
        #expect(mesh.ignoredFields == ["networking.outbound.passthrough", "tracing"])
    }

    @Test("Zone egresses: ports and addresses")
    func zoneEgress() throws {
        func of(_ networking: JSON) -> [String] { self.violations(ZoneEgress.self, ["networking": networking]) }
        #expect(of(["port": 0]) == ["networking.port: port must be in the range [1, 65535]"])
        #expect(of(["port": 65536]) == ["networking.port: port must be in the range [1, 65535]"])
        #expect(of(["address": "0.0.0.0", "port": 1]) == ["networking.address: must not be 0.0.0.0 or ::"])
        #expect(of(["address": "::", "port": 1]) == ["networking.address: must not be 0.0.0.0 or ::"])
        #expect(of(["address": "..>_<..", "port": 1]) == ["networking.address: address has to be valid IP address or domain name"])
        #expect(of(["address": "127.0.0.1", "port": 9901, "admin": ["port": 9901]]) == ["networking.admin.port: must differ from port"])
        #expect(of(["address": "192.168.0.1", "port": 9901, "admin": ["port": 9901]]).isEmpty)
        #expect(try ZoneEgress(name: "e", spec: [:]).isManaged)
        #expect(try !ZoneEgress(name: "e", spec: ["networking": ["address": "192.168.0.1", "port": 10002]]).isManaged)
    }

    @Test("Zone ingresses: advertised address and port go together")
    func zoneIngress() {
        func of(_ networking: JSON) -> [String] { self.violations(ZoneIngress.self, ["zone": "east", "networking": networking]) }
        #expect(of(["advertisedAddress": "10.0.0.1"]) == ["networking.advertisedAddress: has to be defined with advertisedPort"])
        #expect(of(["advertisedPort": 10001]) == ["networking.advertisedPort: has to be defined with advertisedAddress"])
        #expect(of(["advertisedAddress": "10.0.0.1", "advertisedPort": 10001]).isEmpty)
    }

    @Test("External services: the texts of 2.7")
    func externalService() {
        func of(_ spec: JSON) -> [String] { self.violations(ExternalService.self, spec) }
        func at(_ address: String, tls: JSON? = nil) -> JSON {
            var spec: JSON = ["tags": ["kuma.io/service": "httpbin"], "networking": ["address": .string(address)]]
            spec.set(["networking", "tls"], to: tls)
            return spec
        }
        #expect(of(["tags": ["kuma.io/service": "httpbin"]]) == ["networking: should have networking"])
        #expect(of(at("")) == ["networking.address: address can't be empty"])
        #expect(of(at("httpbin.org")) == ["networking.address: unable to parse address: it has to be host:port"])
        #expect(of(at("httpbin.org:http")) == ["networking.address: unable to parse address: it has to be host:port"])
        #expect(of(at("httpbin.org:0")) == ["networking.address: port must be in the range [1, 65535]"])
        #expect(of(at("httpbin.org:65536")) == ["networking.address: port must be in the range [1, 65535]"])
        #expect(of(at("..:443")) == ["networking.address: address has to be a valid IP address or a domain name"])
        #expect(of(at("[::1]:443")).isEmpty)
        #expect(of(at("httpbin:443")) == ["tags: tag \"kuma.io/service\" cannot be the same as networking.address"])
        #expect(of(at("httpbin.org:443", tls: ["enabled": true, "serverName": ""])) == ["networking.tls.serverName: cannot be empty"])
        #expect(
            of(at("httpbin.org:443", tls: ["enabled": true, "caCert": [:]]))
                == ["networking.tls.caCert: exactly one of secret, inline, inlineString and file has to be set"])
        var wrongProtocol = at("httpbin.org:443")
        wrongProtocol.set(["tags", "kuma.io/protocol"], to: "ftp")
        #expect(
            of(wrongProtocol) == [
                "tags: tag \"kuma.io/protocol\" has an invalid value. Allowed values: grpc, http, http2, kafka, tcp"
            ])
        #expect(of(["networking": ["address": "a.b:1"]]).first == "tags: mandatory tag \"kuma.io/service\" is missing")
        #expect(
            of(["tags": ["kuma.io/service": "zone-egress"], "networking": ["address": "a.b:1"]])
                == ["tags[\"kuma.io/service\"]: cannot be zone-egress, which is the egress's own name"])
    }

    @Test("Dataplanes: inbounds, outbounds and their tags")
    func dataplane() throws {
        #expect(
            self.violations(Dataplane.self, ["networking": [:]])
                == ["networking: has to contain at least one inbound interface or gateway"])
        #expect(
            self.violations(Dataplane.self, ["networking": ["inbound": [["port": 80, "tags": ["a": "b"]]]]])
                == ["networking.inbound[0]: mandatory tag \"kuma.io/service\" is missing"])
        let dataplane = try Dataplane(
            name: "web-0", mesh: nil,
            spec: [
                "networking": [
                    "inbound": [["port": 80, "tags": ["kuma.io/service": "web_demo_svc_80"]]],
                    "outbound": [
                        ["port": 1443, "service": "httpbin"], ["port": 1444, "tags": ["kuma.io/service": "db", "version": "2"]],
                    ],
                ]
            ])
        #expect(dataplane.mesh == .default)
        #expect(dataplane.outbounds.map(\.service) == ["httpbin", "db"])
        #expect(dataplane.outbounds.map(\.address) == ["127.0.0.1", "127.0.0.1"])
    }

    @Test("Permissions: kinds, names and actions")
    func permission() {
        func of(_ target: JSON, _ from: JSON) -> [String] {
            self.violations(MeshTrafficPermission.self, ["targetRef": target, "from": from])
        }
        let allowAll: JSON = [["targetRef": ["kind": "Mesh"], "default": ["action": "Allow"]]]
        #expect(of(["kind": "Mesh"], allowAll).isEmpty)
        #expect(of(["kind": "MeshService"], allowAll) == ["spec.targetRef.name: must be set with kind MeshService"])
        #expect(of(["kind": "Nonsense"], allowAll).count == 1)
        #expect(of(["kind": "Mesh"], []) == ["spec.from: needs at least one item"])
        #expect(
            of(["kind": "Mesh"], [["targetRef": ["kind": "Mesh"], "default": ["action": "Maybe"]]])
                == ["spec.from[0].default.action: has to be one of Allow, Deny, AllowWithShadowDeny; is \"Maybe\""])
    }

    @Test(
        "A field that the kind has not is refused by name, in both forms of a document",
        arguments: [
            ("{type: Mesh, name: m, mtl: {}}", "mtl: is not a known field; did you mean mtls?"),
            ("{type: Mesh, name: m, spec: {}}", "spec: is not a known field; known are "),
            ("{type: ZoneEgress, name: e, networkin: {port: 1}}", "networkin: is not a known field; did you mean networking?"),
            ("{type: Dataplane, name: d, Mesh: m, networking: {}}", "Mesh: is not a known field; did you mean mesh?"),
            ("{type: TrafficRoute, name: r, config: {}}", "config: is not a known field; did you mean conf?"),
            ("{type: MeshTrafficPermission, name: p, from: []}", "from: is not a known field; known are "),
            ("{type: MeshTrafficPermission, name: p, spec: {form: []}}", "spec.form: is not a known field; known are from, targetRef"),
            ("{type: Secret, name: s, date: YQ==}", "date: is not a known field; did you mean data?"),
            ("{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: m}, mtls: {}}", "mtls: is not a known field; known are "),
            (
                "{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: m}, spec: {routings: {}}}",
                "spec.routings: is not a known field; did you mean routing?"
            ),
        ])
    func unknownFields(yaml: String, sentence: String) throws {
        let error = #expect(throws: InvalidResource.self) { _ = try ResourceDocument(try YAMLDocument.parseOne(yaml)) }
        #expect(error?.description.hasPrefix(sentence) == true, "\(error?.description ?? "")")
    }

    @Test("What the control plane shows of a resource can be applied again")
    func shown() throws {
        let added = "creationTime: 2026-01-01T00:00:00Z, modificationTime: 2026-01-01T00:00:00Z, labels: {a: b}, status: {}, kri: kri_x"
        let kinds = [
            "type: Mesh, name: m", "type: ZoneEgress, name: e, networking: {address: 10.0.0.1, port: 10002}",
            "type: MeshTrafficPermission, name: p, spec: {targetRef: {kind: Mesh}, from: [{targetRef: {kind: Mesh}, default: {action: Allow}}]}",
            "type: GlobalSecret, name: s, data: YQ==",
        ]
        for kind in kinds { _ = try ResourceDocument(try YAMLDocument.parseOne("{\(kind), \(added)}")) }
    }

    @Test("Wrong types and everything wrong at once give sentences, never a crash")
    func wrongTypes() {
        #expect(self.violations(Mesh.self, "text").first == "spec: must be an object, is of type string")
        let found = self.violations(
            ZoneEgress.self, ["networking": ["port": "10002", "address": 5, "admin": []], "deployment": ["replicas": -1], "zone": true])
        #expect(found.count == 5, "\(found)")
        #expect(
            self.violations(Dataplane.self, ["networking": ["inbound": ["x"]]]).contains {
                $0.hasPrefix("networking.inbound[0]: must be an object")
            })
    }
}
