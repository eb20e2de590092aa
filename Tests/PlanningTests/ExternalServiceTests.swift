import Foundation
import JSONModel
import KubeAPI
import MeshModel
import Planning
import Routing
import TestKit
import Testing

/// What of ExternalServices is deliberately unlike 2.7, and that one broken item never takes others along.
@Suite("ExternalServices in tables")
struct ExternalServiceTests {
    private static func service(_ name: String, _ networking: String, tags: String = "", metadata: String = "") -> String {
        """
        ---
        apiVersion: kuma.io/v1alpha1
        kind: ExternalService
        mesh: default
        metadata: {name: \(name)\(metadata)}
        spec: {tags: {kuma.io/service: \(name)\(tags)}, networking: {\(networking)}}

        """
    }

    private func zone(_ yaml: String, home: Home = .kubernetes) throws -> TestZone {
        var zone = try TestZone()
        zone.observed.home = home
        try zone.addMesh()
        // Elsewhere resources have their mesh in the place of the namespace.
        try zone.add(home == .universal ? yaml.replacing("metadata: {", with: "metadata: {namespace: default, ") : yaml)
        zone.settle()
        try zone.addEgressPod(1)
        if home == .universal {
            try zone.add(
                "{apiVersion: kuma.io/v1alpha1, kind: ZoneEgress, metadata: {name: e}, spec: {networking: {address: 10.1.0.1, port: 10002}}}"
            )
            zone.observed.online = [ProxyID(.egress, "e")]
        }
        zone.settle()
        return zone
    }

    private func config(_ zone: TestZone) throws -> ProxyConfig {
        let configs = Planner.plan(zone.observed).configs
        return try #require(configs.first { $0.key.kind == .egress }?.value)
    }

    /// Wherever this home keeps them.
    private func ready(_ zone: TestZone, _ name: String) -> (verdict: String, message: String) {
        let namespace = zone.observed.home == .universal ? "default" : nil
        let condition = zone.observed.objects[.externalServices, namespace: namespace, name: name]?.conditions["Ready"]
        return ("\(condition?.status.rawValue ?? "") \(condition?.reason ?? "")", condition?.message ?? "")
    }

    @Test("What goes through the egress is ready when one is, and what another zone serves when that zone offers it")
    func reachable() throws {
        let services =
            Self.service("here", "address: 'a.example:80'") + Self.service("east", "address: 'b.example:80'", tags: ", kuma.io/zone: east")
        var zone = try self.zone(services)
        #expect(self.ready(zone, "here").verdict == "True Ready")
        #expect(
            self.ready(zone, "east") == (
                "False NoReadyEndpoints",
                "Zone east serves it, and no ingress of that zone offers it, so calls fail (closed, never around). Next: kubectl get zoneingresses -n kuma-system"
            ))
        try zone.add(
            """
            apiVersion: kuma.io/v1alpha1
            kind: ZoneIngress
            metadata: {name: east}
            spec:
              zone: east
              networking: {address: 10.2.0.1, advertisedAddress: 10.2.0.1, port: 10001, advertisedPort: 10001}
              availableServices:
              - {mesh: default, instances: 1, externalService: true, tags: {kuma.io/service: east, kuma.io/zone: east}}
            """)
        zone.settle()
        #expect(self.ready(zone, "east") == ("True Ready", "Zone east serves it."))
        zone.observed.objects[.pods] = [:]
        zone.settle()
        for name in ["here", "east"] { #expect(self.ready(zone, name).verdict == "False NoReadyEndpoints") }
        #expect(self.ready(zone, "here").message.hasPrefix("No egress is ready, so calls fail (closed, never around)."))
        zone.change(.meshes, "default") { $0.json.set(["spec", "routing", "zoneEgress"], to: false) }
        zone.settle()
        #expect(self.ready(zone, "here").verdict == "True Ready")
    }

    @Test("TLS is verified unless somebody says otherwise in so many words, and the condition names the words")
    func verification() throws {
        let tls = "address: 'a.example:443', tls: {enabled: true}"
        let annotated = ", annotations: {egret.io/tls-verify: none}"
        let ca = "caCert: {inlineString: \"\(Fixture.certificate.replacing("\n", with: "\\n"))\"}"
        let zone = try self.zone(
            Self.service("plain", "address: 'a.example:80'")
                + Self.service("default", tls) + Self.service("annotated", tls, metadata: annotated)
                + Self.service("nameless", "address: 'a.example:443', tls: {enabled: true, skipHostnameVerification: true}")
                + Self.service("both", "address: 'a.example:443', tls: {enabled: true, \(ca)}", metadata: annotated)
                + Self.service("misspelt", tls, metadata: ", annotations: {egret.io/tls-verify: 'off'}"))
        let config = try self.config(zone)
        func verify(_ name: String) -> ExternalTLS.Verification? {
            if case .external(let tls)? = config.cluster("default:\(name)")?.tls { tls.verify } else { nil }
        }
        #expect(verify("plain") == nil && verify("default") == .full && verify("annotated") == ExternalTLS.Verification.none)
        #expect(verify("nameless") == .chain && verify("both") == .full && verify("misspelt") == .full)
        func verified(_ name: String) -> String? { zone.condition(.externalServices, name, "Verified") }
        #expect(verified("plain") == nil && verified("default") == "True Accepted" && verified("both") == "True Accepted")
        #expect(verified("annotated") == "False NotVerified" && verified("nameless") == "False NotVerified")
        #expect(zone.message(.externalServices, "annotated", "Verified").contains("egret.io/tls-verify: none"))
        #expect(zone.message(.externalServices, "nameless", "Verified").contains("networking.tls.skipHostnameVerification"))
        // An opt-out that does nothing is named.
        for name in ["both", "misspelt"] {
            #expect(zone.message(.externalServices, name, "Accepted").contains("Accepted and not acted on: egret.io/tls-verify"))
        }
        #expect(zone.condition(.externalServices, "annotated") == "True Ready")
    }

    @Test("Universal resources have labels only, so there the opt-out is one")
    func universalOptOut() throws {
        let zone = try self.zone(
            Self.service("a", "address: 'a.example:443', tls: {enabled: true}", metadata: ", labels: {egret.io/tls-verify: none}"),
            home: .universal)
        guard case .external(let tls)? = try self.config(zone).cluster("default:a")?.tls else {
            Issue.record("no TLS")
            return
        }
        #expect(tls.verify == ExternalTLS.Verification.none)
    }

    @Test(
        "The protocol decides what TLS offers; requests are relayed unchanged, which the condition says",
        arguments: [("http", ["http/1.1"]), ("http2", ["h2"]), ("grpc", ["h2"]), ("tcp", nil), ("kafka", nil)] as [(String, [String]?)])
    func protocols(name: String, alpn: [String]?) throws {
        let zone = try self.zone(
            Self.service("a", "address: 'a.example:443', tls: {enabled: true}", tags: ", kuma.io/protocol: \(name)"))
        #expect(try self.config(zone).cluster("default:a")?.tls == .external(ExternalTLS(serverName: "a.example", alpn: alpn)))
        #expect(zone.message(.externalServices, "a", "Accepted").contains("relayed unchanged") == (alpn != nil))
    }

    @Test("Endpoints of one service may differ in TLS, and addresses and host names mix")
    func mixed() throws {
        func part(_ name: String, _ networking: String) -> String {
            Self.service(name, networking).replacing("kuma.io/service: \(name)", with: "kuma.io/service: all")
        }
        let zone = try self.zone(
            part("a", "address: 'a.example:443', tls: {enabled: true}") + part("b", "address: '10.0.0.1:443', tls: {enabled: true}")
                + part("c", "address: 'c.example:443', tls: {enabled: true}") + part("d", "address: '10.0.0.2:80'"))
        let cluster = try #require(try self.config(zone).cluster("default:all"))
        #expect(
            cluster.endpoints.map { cluster.tls(of: $0) } == [
                .external(ExternalTLS(serverName: "a.example")), .external(ExternalTLS(serverName: nil)),
                .external(ExternalTLS(serverName: "c.example")), .none,
            ])
        for name in ["a", "b", "c", "d"] { #expect(zone.condition(.externalServices, name) == "True Ready") }
    }

    @Test("Two services with one host are both served; a copy is left out and named", arguments: [Home.kubernetes, .universal])
    func oneHost(home: Home) throws {
        let zone = try self.zone(
            Self.service("one", "address: 'a.example:443'") + Self.service("two", "address: 'a.example:443'")
                + Self.service("zcopy", "address: 'a.example:443'").replacing("kuma.io/service: zcopy", with: "kuma.io/service: two"),
            home: home)
        #expect(try self.config(zone).clusters.map(\.name) == ["default:one", "default:two"])
        #expect(try self.config(zone).cluster("default:two")?.addresses == ["a.example:443x1"])
        #expect(self.ready(zone, "one").verdict == "True Ready")
        #expect(self.ready(zone, "two").verdict == "True Ready")
        #expect(self.ready(zone, "zcopy").verdict == "False Conflict")
    }

    @Test("A bad item is left out and named on itself, and everything else ships", arguments: [Home.kubernetes, .universal])
    func isolation(home: Home) throws {
        let damaged = "-----BEGIN CERTIFICATE-----\\nMIIBAA==\\n-----END CERTIFICATE-----\\n"
        let endless = "-----BEGIN CERTIFICATE-----\\nMAA=\\n"
        let zone = try self.zone(
            Self.service("fine", "address: 'a.example:443'")
                + Self.service("long", "address: 'a.example:443'", tags: ", a: \(String(repeating: "x", count: 250))")
                + Self.service("nosecret", "address: 'a.example:443', tls: {enabled: true, caCert: {secret: missing}}")
                + Self.service("noca", "address: 'a.example:443', tls: {enabled: true, caCert: {inlineString: nonsense}}")
                + Self.service("damaged", "address: 'a.example:443', tls: {enabled: true, caCert: {inlineString: \"\(damaged)\"}}")
                + Self.service("endless", "address: 'a.example:443', tls: {enabled: true, caCert: {inlineString: \"\(endless)\"}}"),
            home: home)
        #expect(try self.config(zone).clusters.map(\.name) == ["default:fine"])
        func message(_ name: String) -> String { self.ready(zone, name).message }
        #expect(self.ready(zone, "fine").verdict == "True Ready")
        #expect(message("long").contains("more than the 255 that TLS clients send"))
        #expect(message("nosecret").hasPrefix("There is no Secret kuma-system/missing"))
        #expect(message("noca") == "InlineString holds no PEM certificate.")
        #expect(message("damaged") == "InlineString holds a PEM certificate that is damaged.")
        #expect(message("endless") == "InlineString holds a PEM certificate without an end.")
    }

    @Test("What a proxy says of one endpoint stands on the object that named it, and on no other")
    func rejectedEndpoint() throws {
        func part(_ name: String) -> String {
            Self.service(name, "address: '\(name).example:443', tls: {enabled: true}").replacing(
                "kuma.io/service: \(name)", with: "kuma.io/service: all")
        }
        var zone = try self.zone(part("a") + part("b"))
        zone.observed.acknowledgements[ProxyID(.egress, "egret-egress-abc-1.kuma-system")] = Acknowledgement(
            hash: "x",
            errors: [ItemError(item: "cluster default:all", message: "endpoint b.example:443: its TLS settings cannot be used: no")])
        zone.settle()
        #expect(zone.condition(.externalServices, "a") == "True Ready")
        #expect(zone.condition(.externalServices, "b") == "False ConfigRejected")
    }

    @Test("A service of Kubernetes in another zone is also known by the name that newer clients write")
    func hashForm() throws {
        let zone = try self.zone(
            Fixture.ingress(
                "east", zone: "east", address: "10.2.0.1", "{tags: {kuma.io/service: web_demo_svc_80}, instances: 1, mesh: default}"))
        #expect(
            try self.config(zone).serverNames == [
                "web_demo_svc_80{mesh=default}", HashSNI(name: "web.demo", mesh: "default", port: 80, kind: .service).text,
            ])
    }
}
