import JSONModel
import KubeAPI
import MeshModel
import Planning
import Routing
import TestKit
import Testing

@Suite("MeshExternalServices in tables")
struct MeshExternalServiceTests {
    private static let sni = HashSNI(name: "httpbin", mesh: "default", port: 443, kind: .external).text

    private static func service(_ spec: String, name: String = "httpbin", mesh: String = "default") -> String {
        """
        ---
        apiVersion: kuma.io/v1alpha1
        kind: MeshExternalService
        metadata: {name: \(name), namespace: kuma-system, labels: {kuma.io/mesh: \(mesh)}}
        spec: {match: {port: 443}, \(spec)}

        """
    }

    private static let httpbin = Self.service("endpoints: [{address: httpbin.org, port: 443}]")

    private func zone(_ yaml: String, zoneEgress: Bool = false) throws -> TestZone {
        var zone = try TestZone()
        try zone.addMesh(zoneEgress: zoneEgress)
        try zone.add(yaml)
        zone.settle()
        try zone.addEgressPod(1)
        zone.settle()
        return zone
    }

    private func cluster(_ spec: String) throws -> Cluster? {
        var zone = try self.zone(Self.service(spec))
        return zone.settle().egressConfig()?.cluster("default:extsvc/httpbin")
    }

    private func tls(_ tls: String, endpoints: String = "{address: httpbin.org, port: 443}") throws -> [ExternalTLS?] {
        guard let cluster = try self.cluster("endpoints: [\(endpoints)], tls: {enabled: true\(tls)}") else { return [] }
        return cluster.endpoints.map { if case .external(let tls) = cluster.tls(of: $0) { tls } else { nil } }
    }

    @Test("The egress serves them even where routing.zoneEgress is off, golden")
    func golden() throws {
        var zone = try self.zone(
            Self.service(
                "endpoints: [{address: httpbin.org, port: 443}, {address: 10.9.0.1, port: 8443, priority: 1}], tls: {enabled: true, verification: {caCert: {inlineString: \"\(Fixture.certificate.replacing("\n", with: "\\n"))\"}}}"
            ).replacing("port: 443}, endpoints", with: "port: 443, protocol: grpc}, endpoints") + Fixture.httpbin + Fixture.east)
        try zone.addWorkload(
            "web", ip: "10.3.0.1",
            outbounds:
                "{port: 1000, backendRef: {kind: MeshExternalService, name: httpbin}}, {port: 1001, tags: {kuma.io/service: httpbin}}")
        let plan = zone.settle()
        expectGolden(try #require(plan.egressConfig()).golden, "egress-mesh-external-service.json")
        expectGolden(try #require(plan.dataplaneConfig("web")).golden, "dataplane-mesh-external-service.json")
    }

    @Test("Callers send the hash form; the egress knows the later forms as well")
    func serverNames() throws {
        var zone = try self.zone(Self.httpbin)
        let config = try #require(zone.settle().egressConfig())
        #expect(
            config.serverNames == [
                Self.sni, "sni.extsvc.default.httpbin.443", "sni.extsvc.default.default.httpbin.443",
                "sni.extsvc.default.default.kuma-system.httpbin.443",
            ])
        for name in config.serverNames { #expect(try SNI(parsing: name).text == name) }
    }

    @Test("A dotted name has the hash form only, because in the later form it could be mistaken for another's")
    func dottedName() throws {
        var zone = try self.zone(Self.httpbin.replacing("name: httpbin,", with: "name: default.httpbin,") + Self.httpbin)
        let names = try #require(zone.settle().egressConfig()).serverNames
        #expect(names.filter { $0.hasPrefix("sni.") }.count == 3 && Set(names).count == names.count)
    }

    @Test("Without an egress there is no endpoint, whatever the mesh's flag says; through one the peer is zone-egress")
    func client() throws {
        for zoneEgress in [true, false] {
            var zone = try self.zone(Self.httpbin, zoneEgress: zoneEgress)
            try zone.addWorkload(
                "web", ip: "10.3.0.1", outbounds: "{port: 1000, backendRef: {kind: MeshExternalService, name: httpbin, port: 443}}")
            let through = try #require(zone.settle().dataplaneConfig("web")?.cluster("default:extsvc/httpbin"))
            #expect(through.addresses == ["10.1.0.1:10002x1"])
            #expect(through.tls == .mesh(mesh: "default", sni: Self.sni, peer: "spiffe://default/zone-egress"))
            #expect(zone.condition(.meshExternalServices, "httpbin") == "True Ready")

            try zone.addEgressPod(1, ready: false)
            let closed = try #require(zone.settle().dataplaneConfig("web")?.cluster("default:extsvc/httpbin"))
            #expect(closed.endpoints.isEmpty)
            #expect(zone.condition(.meshExternalServices, "httpbin") == "False NoReadyEndpoints")
            #expect(zone.message(.dataplanes, "web-0", in: "demo").contains("reached through the egress and no egress is ready"))
        }
    }

    @Test("An outbound to one that is not there, or under another port, has nowhere to go and says so")
    func missing() throws {
        for reference in ["name: other", "name: httpbin, port: 80"] {
            var zone = try self.zone(Self.httpbin)
            try zone.addWorkload("web", ip: "10.3.0.1", outbounds: "{port: 1000, backendRef: {kind: MeshExternalService, \(reference)}}")
            #expect(zone.settle().dataplaneConfig("web")?.clusters.map(\.endpoints.isEmpty) == [true])
            #expect(zone.condition(.dataplanes, "web-0", in: "demo") == "False NoReadyEndpoints")
            #expect(zone.message(.dataplanes, "web-0", in: "demo").contains("no MeshExternalService"))
        }
    }

    @Test("Every mode of verification does what it says, and the condition names it")
    func modes() throws {
        let pair =
            "clientCert: {inlineString: \"\(Fixture.certificate.replacing("\n", with: "\\n"))\"}, clientKey: {inlineString: \"\(Fixture.key.replacing("\n", with: "\\n"))\"}"
        let client = ClientCertificate(certificate: Fixture.certificate, key: Fixture.key)
        func mode(_ mode: String) -> String { ", verification: {mode: \(mode), serverName: a.example, \(pair)}" }
        #expect(try self.tls("") == [ExternalTLS(serverName: "httpbin.org")])
        #expect(try self.tls(mode("Secured")) == [ExternalTLS(serverName: "a.example", clientCertificate: client)])
        #expect(try self.tls(mode("SkipSAN")) == [ExternalTLS(serverName: "httpbin.org", clientCertificate: client, verify: .chain)])
        #expect(try self.tls(mode("SkipCA")) == [ExternalTLS(serverName: "a.example", clientCertificate: client, verify: .none)])
        #expect(try self.tls(mode("SkipAll")) == [ExternalTLS(serverName: "httpbin.org", verify: .none)])
        for (mode, verified) in [
            ("Secured", "True Accepted"), ("SkipSAN", "False NotVerified"), ("SkipCA", "False NotVerified"),
            ("SkipAll", "False NotVerified"),
        ] {
            let zone = try self.zone(
                Self.service("endpoints: [{address: a.example, port: 1}], tls: {enabled: true, verification: {mode: \(mode)}}"))
            #expect(zone.condition(.meshExternalServices, "httpbin", "Verified") == verified)
            #expect(zone.condition(.meshExternalServices, "httpbin") == "True Ready")
            if mode != "Secured" { #expect(zone.message(.meshExternalServices, "httpbin", "Verified").contains("mode \(mode)")) }
        }
        // Without TLS there is nothing to say about it.
        #expect(try self.zone(Self.httpbin).condition(.meshExternalServices, "httpbin", "Verified") == nil)
    }

    @Test("Addresses and host names mix: each name is verified as itself, an address by the first name beside it")
    func mixed() throws {
        let tls = try self.tls(
            "", endpoints: "{address: 10.0.0.1, port: 1}, {address: a.example, port: 2}, {address: b.example, port: 3}")
        #expect(tls.map { $0?.serverName } == ["a.example", "a.example", "b.example"])
        #expect(try self.tls("", endpoints: "{address: 10.0.0.1, port: 1}").map { $0?.serverName } == [nil])
    }

    @Test("Further names and versions go along")
    func namesAndVersions() throws {
        let names = ", verification: {subjectAltNames: [{value: a.example}, {type: Prefix, value: spiffe://a/}]}"
        #expect(
            try self.tls(names + ", version: {min: TLS10, max: TLS12}") == [
                ExternalTLS(
                    serverName: "httpbin.org", names: [NameMatch("a.example"), NameMatch("spiffe://a/", isPrefix: true)],
                    minVersion: .v12, maxVersion: .v12)
            ])
        #expect(try self.tls(", version: {min: TLS13}").first??.minVersion == .v13)
    }

    @Test("Everybody in the mesh may call one, unless the mesh or a permission about it says otherwise")
    func permissions() throws {
        func permission(_ target: String, _ from: String, _ action: String) -> String {
            """
            ---
            apiVersion: kuma.io/v1alpha1
            kind: MeshTrafficPermission
            metadata: {name: p, namespace: kuma-system}
            spec: {targetRef: {\(target)}, from: [{targetRef: {\(from)}, default: {action: \(action)}}]}

            """
        }
        func callers(_ yaml: String = "", forbids: Bool = false) throws -> CallerRules {
            var zone = try self.zone(Self.httpbin + Fixture.httpbin + yaml)
            if forbids {
                zone.change(.meshes, "default") { $0.json.set(["spec", "routing", "defaultForbidMeshExternalServiceAccess"], to: true) }
            }
            return try #require(zone.settle().egressConfig()?.callers(of: Self.sni))
        }
        let this = "kind: MeshExternalService, name: httpbin"
        let web = "kind: MeshService, name: web"
        #expect(try callers() == CallerRules(allow: ["spiffe://default/*"]))
        #expect(try callers(forbids: true) == CallerRules())
        #expect(try callers(permission(this, web, "Allow")) == CallerRules(allow: ["spiffe://default/web"]))
        #expect(try callers(permission(this, web, "Deny")) == CallerRules())
        #expect(
            try callers(permission("kind: Mesh", web, "Deny")) == CallerRules(allow: ["spiffe://default/*"], deny: ["spiffe://default/web"])
        )
        #expect(try callers(permission("kind: Mesh", web, "Allow"), forbids: true) == CallerRules(allow: ["spiffe://default/web"]))
        // An ExternalService of the same name is another thing.
        #expect(try callers(permission("kind: MeshService, name: httpbin", web, "Deny")) == CallerRules(allow: ["spiffe://default/*"]))
        var zone = try self.zone(Self.httpbin)
        zone.change(.meshes, "default") { $0.json.set(["spec", "routing", "defaultForbidMeshExternalServiceAccess"], to: true) }
        zone.settle()
        #expect(zone.condition(.meshExternalServices, "httpbin", "Permitted") == "False NoPermission")
    }

    @Test("An ExternalService and a MeshExternalService of one name keep their own permissions and endpoints")
    func twoKinds() throws {
        var zone = try self.zone(Self.httpbin.replacing("httpbin.org", with: "new.example") + Fixture.httpbin, zoneEgress: true)
        let config = try #require(zone.settle().egressConfig())
        #expect(config.callers(of: "httpbin{mesh=default}") == CallerRules())
        #expect(config.callers(of: Self.sni) == CallerRules(allow: ["spiffe://default/*"]))
        #expect(config.cluster("default:httpbin")?.addresses == ["httpbin.org:80x1"])
        #expect(config.cluster("default:extsvc/httpbin")?.addresses == ["new.example:443x1"])
    }

    @Test("One name in two meshes is two services")
    func twoMeshes() throws {
        var zone = try TestZone()
        try zone.addMesh(zoneEgress: false)
        try zone.addMesh("payments", zoneEgress: false)
        try zone.add(
            Self.httpbin + Self.httpbin.replacing("name: httpbin,", with: "name: other,").replacing("mesh: default", with: "mesh: payments")
        )
        zone.settle()
        try zone.addEgressPod(1)
        let config = try #require(zone.settle().egressConfig())
        #expect(config.clusters.map(\.name) == ["default:extsvc/httpbin", "payments:extsvc/other"])
        #expect(config.identities.map(\.spiffeID) == ["spiffe://default/zone-egress", "spiffe://payments/zone-egress"])
    }

    @Test("What is broken is left out and named; the rest is served")
    func isolation() throws {
        var zone = try self.zone(
            Self.httpbin
                + Self.service("endpoints: []", name: "nowhere") + Self.service("extension: {type: Lambda}", name: "plugin")
                + Self.service("endpoints: [{address: a.b, port: 1}], tls: {enabled: true, version: {max: TLS11}}", name: "old")
                + Self.service(
                    "endpoints: [{address: a.b, port: 1}], tls: {enabled: true, verification: {caCert: {secret: missing}}}",
                    name: "nosecret")
                + Self.service(
                    "endpoints: [{address: a.b, port: 1}], tls: {enabled: true, verification: {caCert: {inlineString: x}}}", name: "badca")
                + Self.service("endpoints: [{address: 'a b', port: 1}]", name: "badaddress")
                + Self.service("endpoints: [{address: a.b, port: 1}]", name: "elsewhere", mesh: "nowhere")
                + Self.service("endpoints: [{address: a.b, port: 1}]", name: "foreign").replacing("kuma-system", with: "demo"))
        let config = try #require(zone.settle().egressConfig())
        #expect(config.clusters.map(\.name) == ["default:extsvc/httpbin"])
        for (name, reason) in [
            ("nowhere", "InvalidSpec"), ("plugin", "Unsupported"), ("old", "Unsupported"), ("nosecret", "SecretNotFound"),
            ("badca", "InvalidSpec"), ("badaddress", "InvalidSpec"), ("elsewhere", "MeshNotFound"),
        ] {
            #expect(
                zone.condition(.meshExternalServices, name) == "False \(reason)", "\(name): \(zone.message(.meshExternalServices, name))")
        }
        #expect(zone.condition(.meshExternalServices, "foreign", in: "demo") == "False WrongNamespace")
        #expect(zone.condition(.meshExternalServices, "httpbin") == "True Ready")
    }

    @Test("A mesh without mTLS has no way to one")
    func withoutTLS() throws {
        var zone = try TestZone()
        try zone.add("{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: default}, spec: {}}")
        try zone.add(Self.httpbin)
        zone.settle()
        #expect(zone.condition(.meshExternalServices, "httpbin") == "False MTLSRequired")
    }

    @Test("What a proxy says of one endpoint stands on its service")
    func rejected() throws {
        var zone = try self.zone(Self.httpbin + Self.httpbin.replacing("name: httpbin,", with: "name: other,"))
        zone.observed.acknowledgements[ProxyID(.egress, "egret-egress-abc-1.kuma-system")] = Acknowledgement(
            hash: "x", errors: [ItemError(item: "cluster default:extsvc/httpbin", message: "its TLS settings cannot be used: no")])
        zone.settle()
        #expect(zone.condition(.meshExternalServices, "httpbin") == "False ConfigRejected")
        #expect(zone.condition(.meshExternalServices, "other") == "True Ready")
    }
}
