import Foundation
import JSONModel
import TestKit
import Testing

extension Scenarios {
    /// Everything as plain processes, without a cluster.
    @Suite("Without Kubernetes")
    struct Universal {
        @Test("Certificates are renewed, the authority is rotated and an egress stops, and no connection notices")
        func identity() async throws {
            try await Zone.with { zone in
                try await zone.apply(Self.resources(zone))
                try await zone.egress(1) { one in
                    try await zone.egress(2) { _ in
                        try await zone.workload { web in
                            do { try await Self.story(zone, one, web) } catch {
                                print(one.log, web.log)
                                throw error
                            }
                        }
                    }
                }
            }
        }

        private static func story(_ zone: Zone, _ one: BackgroundProcess, _ web: BackgroundProcess) async throws {
            try await eventually("a connection is carried") { try await zone.talk(seconds: 0.2).status == 0 ? true : nil }
            // Certificates live for ten seconds: this connection outlives several, and both authorities.
            async let long = zone.talk(seconds: 25)
            for step in ["is being made", "signs from now on", "is not trusted any more"] {
                try await eventually("egretctl rotate ca: \(step)") { () -> Bool? in
                    let result = try await zone.tryEgretctl("rotate", "ca")
                    return result.status == 0 && result.output.contains(step) ? true : nil
                }
                // New connections work at every step.
                for _ in 0..<5 { #expect(try await zone.talk(seconds: 0.05).status == 0, "after \"\(step)\"") }
            }
            let carried = try await long
            #expect(carried.status == 0, "\(carried)")
            for proxy in [one, web] {
                #expect(proxy.log.split(separator: "\n").count { $0.contains("Certificate renewed") } >= 3, "\(proxy.log)")
            }
            let mesh = try await zone.egretctl("get", "mesh", "default", "-o", "json")
            #expect(try JSON(parsing: mesh).at("mtls", "backends")?[0]?.at("conf", "caCert", "generations") == [2])

            // What an egress says itself.
            for (type, word) in [("config-dump", "\"listeners\""), ("stats", "egret_connections_total"), ("clusters", "\(zone.net).9")] {
                let page = try await zone.egretctl("inspect", "zoneegress", "zoneegress-2", "--type", type)
                #expect(page.contains(word) && !page.contains("PRIVATE KEY"), "\(page)")
            }

            // An egress stops while clients come: nobody is sent to it any more, and who is there may stay.
            async let many = zone.comeAndGo(seconds: 6)
            try await Task.sleep(for: .seconds(1))
            one.send(SIGTERM)
            let gone = try await many
            #expect(gone.status == 0, "\(gone)")
            try await eventually("it is deregistered") {
                try await zone.egretctl("get", "zoneegresses").contains("zoneegress-1") ? nil : true
            }
        }

        private static func resources(_ zone: Zone) -> String {
            """
            type: Mesh
            name: default
            mtls:
              enabledBackend: ca-1
              backends: [{name: ca-1, type: builtin, dpCert: {rotation: {expiration: 10s}}}]
            routing: {zoneEgress: true}
            ---
            type: ExternalService
            mesh: default
            name: echo
            tags: {kuma.io/service: echo, kuma.io/protocol: tcp}
            networking: {address: "\(zone.echo)"}
            ---
            type: MeshTrafficPermission
            mesh: default
            name: web-to-echo
            spec:
              targetRef: {kind: MeshService, name: echo}
              from:
              - targetRef: {kind: MeshService, name: web}
                default: {action: Allow}
            """
        }
    }
}
