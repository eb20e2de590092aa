import Foundation
import JSONModel
import TestKit
import Testing

extension Scenarios {
    /// Two zones that know of each other what a person carried over, the mesh with its authority and ingresses, or what a global
    /// control plane does.
    @Suite("Two zones")
    struct TwoZones {
        @Test("A workload of another zone is reached through its ingress, an external service bound to that zone by two egresses")
        func story() async throws {
            try await UniversalZone.with(name: "zone-1") { one in
                try await UniversalZone.with(name: "zone-2") { two in
                    try await HTTPSServer.with(directory: two.folder, address: "\(two.net).9") { server in
                        let shared = try await Self.shared(two, server)
                        for zone in [one, two] { try await zone.apply(shared) }
                        try await Self.story(one, two)
                    }
                }
            }
        }

        @Test("Under a global control plane one of two ingresses stops under load, and no connection notices; without both, calls fail")
        func stoppingIngress() async throws {
            let folder = FileManager.default.temporaryDirectory.path + "/egret-global-\(UUID().uuidString.prefix(8))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let address = "127.\(Int.random(in: 20...219)).\(Int.random(in: 0...255)).1"
            let global = ControlPlaneProcess("global", folder: folder, address: address, ["--role", "global"])
            try await global.run { _ in
                @Sendable func join(_ zone: String) async throws -> [String] {
                    ["--global-address", "https://\(address):5685", "--global-token-file", try await global.zoneToken(zone)]
                }
                try await UniversalZone.with(name: "zone-1", arguments: try await join("zone-1")) { one in
                    try await UniversalZone.with(name: "zone-2", arguments: try await join("zone-2")) { two in
                        try await HTTPSServer.with(directory: two.folder, address: "\(two.net).9") { server in
                            try await global.apply(try await Self.shared(two, server))
                            for zone in [one, two] { try await zone.waitForCondition("Accepted", "True Accepted", of: "mesh", "default") }
                            try await Self.stop(one, two)
                        }
                    }
                }
            }
        }

        private static func stop(_ one: UniversalZone, _ two: UniversalZone) async throws {
            let outside = "http://\(one.outbound):10080/"
            try await one.withEgress { _ in
                try await one.withDataplane("client", outbounds: ["port: 10080, tags: {kuma.io/service: httpbin}"]) { _ in
                    try await two.withEgress { _ in
                        try await two.withIngress(1, grace: "5s") { first in
                            try await two.withIngress(2) { _ in
                                try await Caller.waitUntilPasses(outside)
                                try await eventually("both ingresses take part") { () -> Bool? in
                                    _ = try await Caller.curl(outside)
                                    for number in 1...2 where try await two.allowed("zone-ingress", "ingress-\(number)") == 0 { return nil }
                                    return true
                                }
                                let load = RequestLoad(one.outbound, 10080)
                                load.run(threads: 4)
                                defer { load.stop() }
                                try await load.serves(50)
                                first.send(SIGTERM)
                                try await first.line(containing: "Stopped")
                                try await load.serves(50)
                                load.stop()
                                #expect(load.now.failures.isEmpty, "of \(load.now.served): \(load.now.failures)")
                            }
                        }
                        try await Caller.waitUntilFails(outside)
                    }
                }
            }
        }

        private static func story(_ one: UniversalZone, _ two: UniversalZone) async throws {
            let application = "http://\(one.outbound):10081/", outside = "http://\(one.outbound):10080/"
            try await BackgroundProcess.with(
                "python3", ["-u", "-m", "http.server", "8080", "--bind", "\(two.net).30"], logFile: "\(two.folder)/application.log"
            ) { _ in
                try await two.withDataplane(
                    "backend", inbound: "port: 8080, servicePort: 8080, serviceAddress: \(two.net).30", outbounds: []
                ) { _ in
                    try await one.withEgress { _ in
                        try await one.withDataplane(
                            "client",
                            outbounds: ["port: 10080, tags: {kuma.io/service: httpbin}", "port: 10081, tags: {kuma.io/service: backend}"]
                        ) { _ in
                            try await two.withEgress { egress in
                                try await two.withIngress { _ in
                                    try await Self.carry(from: two, to: one)
                                    try await Self.passes(one, two, application: application, outside: outside)
                                }
                                // The ingress is gone, and there is no way around it.
                                for url in [application, outside] { try await Caller.waitUntilFails(url) }
                                try await two.withIngress { _ in
                                    for url in [application, outside] { try await Caller.waitUntilPasses(url) }
                                    egress.send(SIGTERM)
                                    try await Caller.waitUntilFails(outside)
                                    try await Caller.waitUntilPasses(application)
                                }
                            }
                        }
                    }
                }
            }
        }

        private static func passes(_ one: UniversalZone, _ two: UniversalZone, application: String, outside: String) async throws {
            try await Caller.waitUntilPasses(application)
            try await Caller.waitUntilPasses(outside)
            #expect(try await Caller.curl(outside).output.contains("hello from the outside world"))
            for (zone, kind, name) in [
                (one, "zoneegress", "zoneegress-1"), (two, "zone-ingress", "ingress-1"), (two, "zoneegress", "zoneegress-1"),
            ] { #expect(try await zone.allowed(kind, name) > 0, "\(kind) of \(zone.name)") }
            let table = try await two.egretctl("inspect", "zone-ingresses")
            #expect(table.split(separator: "\n").contains { $0.contains("ingress-1") && $0.contains("Online") }, "\(table)")
            let dump = try await two.egretctl("inspect", "zone-ingress", "ingress-1", "--type", "config-dump")
            #expect(dump.contains("backend{mesh=default}") && !dump.contains("PRIVATE KEY"), "\(dump)")

            // Nobody there gives the name a meaning: refused with a reason, not cut off.
            let hello = try await Command.run(
                "timeout", ["10", "openssl", "s_client", "-connect", "\(two.net).21:10001", "-servername", "other{mesh=default}"])
            #expect(hello.errors.contains("unrecognized name") || hello.output.contains("unrecognized name"), "\(hello)")

            // Without routing.zoneEgress the client dials the other zone's ingress itself.
            let before = try await one.allowed("zoneegress", "zoneegress-1")
            let mesh = try JSON(parsing: try await one.egretctl("get", "mesh", "default", "-o", "json"))
            var direct = Self.document(mesh)
            direct["routing"] = ["zoneEgress": false]
            try await one.apply(direct.text)
            try await eventually("the egress is not asked any more") { () -> Bool? in
                guard try await Caller.curl(application).status == 0 else { return nil }
                let counted = try await one.allowed("zoneegress", "zoneegress-1")
                guard try await Caller.curl(application).status == 0 else { return nil }
                return try await one.allowed("zoneegress", "zoneegress-1") == counted ? true : nil
            }
            #expect(before > 0)
            try await one.apply(Self.document(mesh).text)
            try await Caller.waitUntilPasses(outside)
        }

        /// What a global control plane would do.
        private static func carry(from two: UniversalZone, to one: UniversalZone) async throws {
            let ingress = try await eventually("the ingress offers both services") { () -> JSON? in
                let ingress = try JSON(parsing: try await two.egretctl("get", "zone-ingress", "ingress-1", "-o", "json"))
                return ingress["availableServices"]?.array?.count == 2 ? ingress : nil
            }
            #expect(ingress["zone"] == "zone-2")
            #expect(
                ingress["availableServices"] == [
                    ["mesh": "default", "tags": ["kuma.io/service": "backend", "kuma.io/zone": "zone-2"], "instances": 1],
                    [
                        "mesh": "default", "tags": ["kuma.io/protocol": "tcp", "kuma.io/service": "httpbin", "kuma.io/zone": "zone-2"],
                        "instances": 1,
                        "externalService": true,
                    ],
                ])
            try await one.apply(Self.document(ingress).text)
            try await one.waitForCondition("Ready", "True Ready", of: "zone-ingress", "ingress-1")
        }

        /// A resource as somebody would write it.
        private static func document(_ resource: JSON) -> JSON {
            var document = resource
            for field in ["status", "creationTime", "modificationTime"] { document[field] = nil }
            return document
        }

        /// A mesh with an authority of somebody else's, in both zones the same.
        private static func shared(_ zone: UniversalZone, _ server: HTTPSServer) async throws -> String {
            let (certificate, key) = ("\(zone.folder)/mesh.pem", "\(zone.folder)/mesh.key")
            try await Command.output(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=mesh",
                    "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-addext", "subjectAltName=URI:spiffe://default", "-keyout", key,
                    "-out", certificate,
                ])
            func base64(_ path: String) throws -> String { try Data(contentsOf: URL(fileURLWithPath: path)).base64EncodedString() }
            return """
                type: Mesh
                name: default
                mtls:
                  enabledBackend: ca-1
                  backends: [{name: ca-1, type: provided, conf: {cert: {secret: ca-cert}, key: {secret: ca-key}}}]
                routing: {zoneEgress: true}
                ---
                {type: Secret, mesh: default, name: ca-cert, data: \(try base64(certificate))}
                ---
                {type: Secret, mesh: default, name: ca-key, data: \(try base64(key))}
                ---
                type: ExternalService
                mesh: default
                name: httpbin
                tags: {kuma.io/service: httpbin, kuma.io/protocol: tcp, kuma.io/zone: zone-2}
                networking:
                  address: "\(server.address)"
                  tls:
                    enabled: true
                    serverName: httpbin.example
                    caCert: {inline: \(Data(server.certificate.utf8).base64EncodedString())}
                ---
                type: MeshTrafficPermission
                mesh: default
                name: client
                spec:
                  targetRef: {kind: Mesh}
                  from:
                  - targetRef: {kind: MeshService, name: client}
                    default: {action: Allow}
                """
        }
    }
}
