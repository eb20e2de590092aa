import Foundation
import TestKit
import Testing

extension Scenarios {
    /// What people type in a zone of plain processes.
    @Suite("By hand")
    struct ByHand {
        @Test("Documents go in and out, and mistakes in them are named")
        func documents() async throws {
            try await Zone.with { zone in
                let applied = try await zone.egretctl("apply", "-f", "-", input: Self.resources(zone))
                #expect(applied == "Mesh default created\nExternalService echo created\nMeshTrafficPermission version created\n")
                // What is shown can be applied again, in either form of text.
                for kind in ["mesh", "external-service", "meshtrafficpermission"] {
                    let name = ["mesh": "default", "external-service": "echo"][kind] ?? "version"
                    for form in ["yaml", "json"] {
                        let shown = try await zone.egretctl("get", kind, name, "-o", form)
                        #expect(try await zone.egretctl("apply", "-f", "-", input: shown).hasSuffix("\(name) applied\n"))
                    }
                }
                for (text, words) in [
                    ("type: Mesh\nname: m\nroutng: {}", "routng: is not a known field; did you mean routing?"),
                    ("type: Mesh\nname: m\nrouting: {zoneEgress: true}", "mtls: has to be set when zoneEgress enabled"),
                    ("type: Mush\nname: m", "type: has to be one of Mesh, "), ("[", "standard input"),
                ] {
                    let result = try await zone.tryEgretctl(input: text, "apply", "-f", "-")
                    #expect(result.status == 1 && result.errors.contains(words), "\(result)")
                }
                #expect(try await zone.tryEgretctl("get", "mesh", "m").errors.contains("Mesh m does not exist"))
                let head = try await zone.egretctl("inspect", "zoneegresses").split(separator: "\n").first ?? ""
                let columns = ["NAME", "STATUS", "LAST CONNECTED AGO", "LAST UPDATED AGO", "TOTAL UPDATES", "TOTAL ERRORS"]
                #expect(columns.allSatisfy(head.contains), "\(head)")
                try await zone.egretctl("delete", "external-service", "echo")
                #expect(try await zone.tryEgretctl("delete", "external-service", "echo").status == 1)
            }
        }

        @Test("Tokens signed elsewhere, settings from the environment, callers by their tags, and a second process of a name")
        func proxies() async throws {
            try await Zone.with { zone in
                try await zone.apply(Self.resources(zone))
                let token = try await Self.tokenSignedElsewhere(zone)
                try await zone.start(["KUMA_DATAPLANE_PROXY_TYPE": "egress"], "egress", Self.egress(zone), token: token) { egress in
                    // Its twin is refused, and takes nothing along when it goes.
                    try await zone.startRefused(["KUMA_DATAPLANE_PROXY_TYPE": "egress"], "twin", Self.egress(zone), token: token) { twin in
                        try await twin.line(containing: "another proxy is connected as ZoneEgress zoneegress-1")
                    }
                    let web = try await zone.egretctl(
                        "generate", "dataplane-token", "--mesh", "default", "--tag", "kuma.io/service=web", "--valid-for", "1h")
                    for (version, isAllowed) in [("v1", true), ("v2", false)] {
                        let variables = ["--dataplane-var", "version=\(version)", "--dataplane-var", "name=web-\(version)"]
                        try await zone.start(
                            ["KUMA_DATAPLANE_PROXY_TYPE": "dataplane"], "web-\(version)", Self.workload(zone), token: web, variables
                        ) { _ in
                            try await eventually("a caller of version \(version) is \(isAllowed ? "let through" : "refused")") {
                                try await (zone.talk(seconds: 0.1).status == 0) == isAllowed ? true : nil
                            }
                            let verdict = isAllowed ? "verdict=allowed" : "reason=not_permitted"
                            try await eventually("the egress says so of its SPIFFE id") {
                                egress.log.split(separator: "\n").contains {
                                    $0.contains(verdict) && $0.contains("caller=spiffe://default/web ")
                                } ? true : nil
                            }
                        }
                    }
                }
            }
        }

        /// The private key stays with whoever signs; the control plane has the public one.
        private static func tokenSignedElsewhere(_ zone: Zone) async throws -> String {
            let (key, ca) = (zone.directory + "/key.pem", zone.directory + "/ca.crt")
            try await zone.egretctl("generate", "signing-key").write(toFile: key, atomically: true, encoding: .utf8)
            try await Command.output("curl", ["-sk", "https://\(zone.net).1:5678/v1/ca"]).write(
                toFile: ca, atomically: true, encoding: .utf8)
            let half = Data(try await zone.egretctl("generate", "public-key", "--signing-key-path", key).utf8).base64EncodedString()
            try await zone.apply("type: GlobalSecret\nname: zone-token-signing-public-key-7\ndata: \(half)")
            return try await zone.egretctl(
                "generate", "zone-token", "--signing-key-path", key, "--kid", "7", "--zone", "zone-1", "--scope", "egress", "--valid-for",
                "1h", "--ca-cert-file", ca)
        }

        private static func egress(_ zone: Zone) -> String {
            "type: ZoneEgress\nname: zoneegress-1\nnetworking: {address: \(zone.net).11, port: 10002}"
        }

        private static func workload(_ zone: Zone) -> String {
            """
            type: Dataplane
            mesh: default
            name: {{ name }}
            networking:
              address: \(zone.net).20
              inbound: [{port: 8080, tags: {kuma.io/service: web, version: {{ version }}}}]
              outbound: [{address: \(zone.net).20, port: 10080, tags: {kuma.io/service: echo}}]
            """
        }

        private static func resources(_ zone: Zone) -> String {
            """
            type: Mesh
            name: default
            mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}
            routing: {zoneEgress: true}
            ---
            apiVersion: kuma.io/v1alpha1
            kind: ExternalService
            mesh: default
            metadata: {name: echo}
            spec:
              tags: {kuma.io/service: echo, kuma.io/protocol: tcp}
              networking: {address: "\(zone.echo)"}
            ---
            type: MeshTrafficPermission
            mesh: default
            name: version
            spec:
              targetRef: {kind: MeshService, name: echo}
              from:
              - targetRef: {kind: MeshSubset, tags: {version: v1}}
                default: {action: Allow}
            """
        }
    }
}
