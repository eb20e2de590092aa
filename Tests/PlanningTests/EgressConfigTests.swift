import Foundation
import JSONModel
import KubeAPI
import MeshModel
import Planning
import Routing
import TestKit
import Testing

/// The tables of egress proxies. Goldens show the same decisions as those of 2.7.
@Suite("Egress tables")
struct EgressConfigTests {
    private func zone(_ yaml: String = "", meshes: [String] = ["default"]) throws -> TestZone {
        var zone = try TestZone()
        for mesh in meshes { try zone.addMesh(mesh) }
        try zone.add(yaml)
        zone.settle()
        try zone.addEgressPod(1)
        return zone
    }

    private func table(_ yaml: String, meshes: [String] = ["default"]) throws -> ProxyConfig {
        var zone = try self.zone(yaml, meshes: meshes)
        return try #require(zone.settle().egressConfig())
    }

    @Test("External services only, golden")
    func externalOnly() throws {
        expectGolden(try self.table(Fixture.httpbin + Fixture.allowAll).golden, "egress-external-only.json")
    }

    @Test("Services of other zones only, golden")
    func internalOnly() throws {
        expectGolden(try self.table(Fixture.east).golden, "egress-internal-only.json")
    }

    @Test("Both, for two meshes with a service of the same name, golden")
    func mixed() throws {
        let payments = (Fixture.httpbin + Fixture.east).replacing("mesh: default", with: "mesh: payments")
            .replacing("name: east,", with: "name: east-payments,").replacing("name: httpbin,", with: "name: httpbin-payments,")
            .replacing("httpbin.org", with: "payments.example.com").replacing("10.2.0.1", with: "10.2.0.2")
        let table = try self.table(Fixture.httpbin + Fixture.east + Fixture.allowAll + payments, meshes: ["default", "payments"])
        expectGolden(table.golden, "egress-two-meshes.json")
        // The permission of one mesh is none of the other's.
        #expect(table.callers(of: "httpbin{mesh=default}") == CallerRules(allow: ["spiffe://default/*"]))
        #expect(table.callers(of: "httpbin{mesh=payments}") == CallerRules())
    }

    @Test("An external service of another zone is passed through to that zone, golden")
    func externalElsewhere() throws {
        let table = try self.table(
            Fixture.httpbin.replacing("kuma.io/service: httpbin", with: "kuma.io/service: httpbin, kuma.io/zone: east")
                + Fixture.ingress(
                    "east", zone: "east", address: "10.2.0.1",
                    "{tags: {kuma.io/service: httpbin, kuma.io/zone: east}, instances: 1, mesh: default, externalService: true}"))
        expectGolden(table.golden, "egress-external-of-another-zone.json")
    }

    @Test("Subsets have server names of their own, golden")
    func subsets() throws {
        var zone = try self.zone(
            Fixture.ingress(
                "east", zone: "east", address: "10.2.0.1",
                "{tags: {kuma.io/service: backend, version: v1, region: eu}, instances: 2, mesh: default}, {tags: {kuma.io/service: backend, version: v2}, instances: 1, mesh: default}"
            ))
        try zone.addWorkload("web", ip: "10.3.0.1", outbounds: "{port: 1000, tags: {kuma.io/service: backend, region: eu}}")
        expectGolden(try #require(zone.settle().egressConfig()).golden, "egress-subsets.json")
    }

    @Test("Without anything to route the egress still listens, on the pod's own address")
    func empty() throws {
        var zone = try TestZone()
        zone.settle()
        try zone.addEgressPod(1)
        let config = try #require(zone.settle().egressConfig())
        #expect(config.listeners == [Listener(name: "egress", address: "10.1.0.1", port: 10002, kind: .sni(routes: []))])
        #expect(config.clusters.isEmpty && config.trust.isEmpty && config.identities.isEmpty)
    }

    @Test("Replicas of an ingress share an address and are one endpoint; one that offers nothing does not count")
    func sharedAddress() throws {
        let service = "{tags: {kuma.io/service: backend}, instances: 3, mesh: default}"
        let table = try self.table(
            Fixture.ingress("east-0", zone: "east", address: "10.2.0.1", "")
                + Fixture.ingress("east-1", zone: "east", address: "10.2.0.1", service)
                + Fixture.ingress("east-2", zone: "east", address: "10.2.0.1", service)
                + Fixture.ingress("north", zone: "north", address: "10.4.0.1", service))
        #expect(table.cluster("default:backend")?.addresses == ["10.2.0.1:10001x3", "10.4.0.1:10001x3"])
    }

    @Test("Ingresses of the own zone, without a public address or outside of the system namespace do not count")
    func unusableIngresses() throws {
        let service = "{tags: {kuma.io/service: backend}, instances: 1, mesh: default}"
        var zone = try self.zone(
            Fixture.ingress("own", zone: "default", address: "10.2.0.1", service)
                + Fixture.ingress("hidden", zone: "east", address: nil, service)
                + Fixture.ingress("foreign", zone: "east", address: "10.2.0.3", service).replacing("kuma-system", with: "demo"))
        #expect(zone.settle().egressConfig()?.serverNames == [])
        #expect(zone.condition(.zoneIngresses, "own") == "False IngressDisabled")
        #expect(zone.condition(.zoneIngresses, "hidden") == "False NotAdvertised")
        #expect(zone.condition(.zoneIngresses, "foreign", in: "demo") == "False WrongNamespace")
    }

    @Test("Meshes without mTLS, without the flag or without an authority have no part in the table")
    func otherMeshes() throws {
        var zone = try self.zone(meshes: [])
        try zone.add("{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: plain}, spec: {}}")
        try zone.addMesh("direct", zoneEgress: false)
        try zone.addMesh("pending")
        zone.observed.trust[try MeshName("pending")] = nil
        for mesh in ["plain", "direct", "pending"] {
            try zone.add(
                Fixture.httpbin.replacing("mesh: default", with: "mesh: \(mesh)").replacing("name: httpbin,", with: "name: \(mesh),"))
        }
        let table = try #require(zone.settle().egressConfig())
        #expect(table.serverNames.isEmpty && table.trust.isEmpty)
    }

    @Test("A server name that no client could send is left out and named on the ingress, and on the dataplane that asks for it")
    func longNames() throws {
        let long = String(repeating: "x", count: 250)
        var zone = try self.zone(
            Fixture.ingress(
                "east", zone: "east", address: "10.2.0.1",
                "{tags: {kuma.io/service: backend, version: \(long)}, instances: 1, mesh: default}, {tags: {kuma.io/service: db}, instances: 1, mesh: default}"
            ))
        try zone.addWorkload(
            "web", ip: "10.3.0.1",
            outbounds: "{port: 1000, tags: {kuma.io/service: backend, version: \(long)}}, {port: 1001, tags: {kuma.io/service: db}}")
        let plan = zone.settle()
        #expect(plan.egressConfig()?.serverNames == ["backend{mesh=default}", "db{mesh=default}"])
        #expect(zone.condition(.zoneIngresses, "east") == "False InvalidSpec")
        #expect(zone.message(.zoneIngresses, "east").hasPrefix("availableServices[0], backend of mesh default: the server name"))
        #expect(plan.dataplaneConfig("web")?.cluster("default:db")?.addresses == ["10.1.0.1:10002x1"])
        #expect(zone.message(.dataplanes, "web-0", in: "demo").contains("more than the 255 that TLS clients send"))
    }

    @Test("Several external services of one name are several endpoints")
    func severalEndpoints() throws {
        let second = Fixture.httpbin.replacing("name: httpbin,", with: "name: httpbin-2,").replacing("httpbin.org", with: "10.8.0.1")
        let table = try self.table(Fixture.httpbin + second)
        #expect(table.cluster("default:httpbin")?.addresses == ["httpbin.org:80x1", "10.8.0.1:80x1"])
    }

    @Test("What is broken is left out and named; the rest is served")
    func isolation() throws {
        func service(_ name: String, _ networking: String, tags: String = "") -> String {
            """
            ---
            apiVersion: kuma.io/v1alpha1
            kind: ExternalService
            mesh: default
            metadata: {name: \(name)}
            spec: {tags: {kuma.io/service: \(name)\(tags)}, networking: {\(networking)}}

            """
        }
        var zone = try self.zone(
            Fixture.httpbin
                + service("badaddress", "address: 'not an address'")
                + service("nosecret", "address: 'a.example:443', tls: {enabled: true, caCert: {secret: missing}}")
                + service("halfpair", "address: 'a.example:443', tls: {enabled: true, clientCert: {inlineString: x}}")
                + service("notpem", "address: 'a.example:443', tls: {enabled: true, caCert: {inlineString: x}}")
                + service("authority", "address: 'a.example:443', tls: {enabled: true, caCert: {secret: default.ca-builtin-key-ca-1}}")
                + service("long", "address: 'a.example:443'", tags: ", a: \(String(repeating: "x", count: 250))")
                + service("copy", "address: 'httpbin.org:80'").replacing("kuma.io/service: copy", with: "kuma.io/service: httpbin")
                + service("elsewhere", "address: 'a.example:443'").replacing("mesh: default", with: "mesh: nowhere"))
        let table = try #require(zone.settle().egressConfig())
        #expect(table.serverNames == ["httpbin{mesh=default}"])
        // Order decides which of two equals is the copy.
        #expect(zone.condition(.externalServices, "copy") == "True Ready")
        #expect(zone.condition(.externalServices, "httpbin") == "False Conflict")
        for (name, reason) in [
            ("badaddress", "InvalidSpec"), ("nosecret", "SecretNotFound"), ("halfpair", "InvalidSpec"), ("notpem", "InvalidSpec"),
            ("authority", "SecretNotFound"), ("long", "InvalidSpec"), ("elsewhere", "MeshNotFound"),
        ] {
            #expect(zone.condition(.externalServices, name) == "False \(reason)", "\(name): \(zone.message(.externalServices, name))")
        }
        #expect(zone.message(.externalServices, "long").contains("more than the 255"))
    }

    @Test("TLS to the outside: names, trust, client certificates")
    func tls() throws {
        func upstream(_ address: String, _ tls: String) throws -> ExternalTLS? {
            let table = try self.table(Fixture.httpbin.replacing("\"httpbin.org:80\"", with: "'\(address)', tls: {enabled: true\(tls)}"))
            guard case .external(let external)? = table.cluster("default:httpbin")?.tls else { return nil }
            return external
        }
        #expect(try upstream("httpbin.org:443", "") == ExternalTLS(serverName: "httpbin.org"))
        #expect(try upstream("10.0.0.1:443", "") == ExternalTLS(serverName: nil))
        #expect(try upstream("10.0.0.1:443", ", serverName: a.example") == ExternalTLS(serverName: "a.example"))
        #expect(
            try upstream("httpbin.org:443", ", skipHostnameVerification: true") == ExternalTLS(serverName: "httpbin.org", verify: .chain))
        let certificate = "\"\(Fixture.certificate.replacing("\n", with: "\\n"))\""
        let key = Fixture.key.replacing("\n", with: "\\n")
        #expect(
            try upstream("httpbin.org:443", ", caCert: {inlineString: \(certificate)}")
                == ExternalTLS(serverName: "httpbin.org", ca: Fixture.certificate))
        #expect(
            try upstream(
                "httpbin.org:443",
                ", clientCert: {inlineString: \(certificate)}, clientKey: {inlineString: \"\(key)\"}")
                == ExternalTLS(
                    serverName: "httpbin.org",
                    clientCertificate: ClientCertificate(certificate: Fixture.certificate, key: Fixture.key)))
    }

    @Test("A Secret is used only by the mesh it was made for, and only if it was made for meshes")
    func secrets() throws {
        var zone = try self.zone(
            Fixture.httpbin.replacing("\"httpbin.org:80\"", with: "'httpbin.org:443', tls: {enabled: true, caCert: {secret: ca}}"))
        let value = JSON(Data(Fixture.certificate.utf8).base64EncodedString()).text
        func add(mesh: String, type: String, _ zone: inout TestZone) throws {
            try zone.add(
                "{apiVersion: v1, kind: Secret, metadata: {name: ca, labels: {kuma.io/mesh: \(mesh)}}, type: \(type), data: {value: \(value)}}"
            )
            zone.settle()
        }
        try add(mesh: "other", type: "system.kuma.io/secret", &zone)
        #expect(zone.condition(.externalServices, "httpbin") == "False SecretNotFound")
        try add(mesh: "default", type: "Opaque", &zone)
        #expect(zone.condition(.externalServices, "httpbin") == "False SecretNotFound")
        try add(mesh: "default", type: "system.kuma.io/secret", &zone)
        #expect(zone.condition(.externalServices, "httpbin") == "True Ready")
    }

    @Test("An external service says whether anybody may call it")
    func permitted() throws {
        var zone = try self.zone(Fixture.httpbin)
        zone.settle()
        #expect(zone.condition(.externalServices, "httpbin") == "True Ready")
        #expect(zone.condition(.externalServices, "httpbin", "Permitted") == "False NoPermission")
        try zone.add(Fixture.allowAll)
        zone.settle()
        #expect(zone.condition(.externalServices, "httpbin", "Permitted") == "True Accepted")
    }

    @Test("All pods have the same table, each on its own address")
    func replicas() throws {
        var zone = try self.zone(Fixture.httpbin)
        try zone.addEgressPod(2)
        let plan = zone.settle()
        var first = try #require(plan.egressConfig(1))
        let second = try #require(plan.egressConfig(2))
        #expect(second.listeners.map(\.address) == ["10.1.0.2"])
        first.listeners[0].address = "10.1.0.2"
        #expect(first == second)
    }

    @Test("Host names of external services may not lead into the proxy's own machine or to metadata; addresses are what was written")
    func resolvedAddresses() throws {
        var zone = try self.zone(
            Fixture.httpbin
                + Fixture.httpbin.replacing("name: httpbin,", with: "name: plain,").replacing(
                    "kuma.io/service: httpbin", with: "kuma.io/service: plain"
                )
                .replacing("httpbin.org:80", with: "127.0.0.1:80"))
        zone.observed.settings.resolvedAddresses.allow = ["127.0.8.0/24"]
        let clusters = try #require(zone.settle().egressConfig()).clusters
        let rules = try #require(clusters.first { $0.endpoints.first?.address == "httpbin.org" }?.resolvedAddresses)
        #expect(rules.allow == ["127.0.8.0/24"])
        let blocks = AddressBlocks(rules)
        for denied in ["127.0.0.1", "169.254.169.254", "fe80::1", "::1", "0.0.0.0", "224.0.0.1", "fd00:ec2::254", "::ffff:169.254.169.254"]
        {
            #expect(!blocks.permits(IPEndpoint(address: denied, port: 80)!), "\(denied)")
        }
        for allowed in ["127.0.8.1", "10.0.0.1", "192.168.1.1", "fd12::1", "8.8.8.8", "2606:4700::1"] {
            #expect(blocks.permits(IPEndpoint(address: allowed, port: 80)!), "\(allowed)")
        }
        #expect(clusters.first { $0.endpoints.first?.address == "127.0.0.1" }?.resolvedAddresses == nil)
    }
}

enum Fixture {
    /// The smallest thing that has the form of one.
    static let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    static let key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"

    static let httpbin = """
        ---
        apiVersion: kuma.io/v1alpha1
        kind: ExternalService
        mesh: default
        metadata: {name: httpbin, annotations: {}}
        spec: {tags: {kuma.io/service: httpbin}, networking: {address: "httpbin.org:80"}}

        """

    static let allowAll = """
        ---
        apiVersion: kuma.io/v1alpha1
        kind: MeshTrafficPermission
        metadata: {name: allow, namespace: kuma-system}
        spec: {targetRef: {kind: Mesh}, from: [{targetRef: {kind: Mesh}, default: {action: Allow}}]}

        """

    static let east = Self.ingress(
        "east", zone: "east", address: "10.2.0.1",
        "{tags: {kuma.io/service: backend}, instances: 3, mesh: default}, {tags: {kuma.io/service: db}, instances: 1, mesh: default}")

    static func ingress(_ name: String, zone: String, address: String?, _ services: String) -> String {
        """
        ---
        apiVersion: kuma.io/v1alpha1
        kind: ZoneIngress
        metadata: {name: \(name), namespace: kuma-system}
        spec:
          zone: \(zone)
          networking: {port: 10001\(address.map { ", advertisedAddress: \($0), advertisedPort: 10001" } ?? "")}
          availableServices: [\(services)]

        """
    }
}
