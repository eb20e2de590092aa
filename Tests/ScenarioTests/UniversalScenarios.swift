import TestKit
import Testing

/// The real programs without Kubernetes, on loopback addresses of this machine.
@Suite("Without Kubernetes", .serialized, .timeLimit(.minutes(4)))
struct UniversalScenarios {
    private static func mesh(_ routing: String) -> String {
        "{type: Mesh, name: default, mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}, routing: {\(routing)}}\n"
    }

    @Test("External services of both kinds: permissions, routes, what is broken, and no egress")
    func story() async throws {
        try await UniversalZone.with { zone in
            let refusal = try await zone.tryEgretctl(
                ["apply", "-f", "-"], input: "{type: Mesh, name: default, routing: {zoneEgress: true}}")
            #expect(refusal.status != 0 && refusal.errors.contains("mtls: has to be set when zoneEgress enabled"), "\(refusal)")
            try await zone.apply(Self.mesh("zoneEgress: false"))

            try await HTTPSServer.with(directory: zone.folder, address: "\(zone.net).9") { server in
                try await zone.withEgress { egress in
                    let outbounds = [
                        "port: 10080, backendRef: {kind: MeshExternalService, name: httpbin}",
                        "port: 10081, tags: {kuma.io/service: old}",
                    ]
                    try await zone.withDataplane("web", outbounds: outbounds) { _ in try await self.story(zone, server, egress) }
                }
            }
        }
    }

    private func story(_ zone: UniversalZone, _ server: HTTPSServer, _ egress: BackgroundProcess) async throws {
        let newer = "http://\(zone.outbound):10080/", older = "http://\(zone.outbound):10081/"

        // One works, another is broken and says so on itself.
        for (name, ca) in [("httpbin", server.certificate), ("broken", "not a certificate")] {
            try await zone.apply(
                "type: MeshExternalService\nmesh: default\nname: \(name)\n" + Manifests.meshExternalSpec(address: server.address, ca: ca))
        }
        try await zone.waitForCondition("Ready", "False InvalidSpec", of: "meshexternalservice", "broken")
        try await zone.waitForCondition("Ready", "True Ready", of: "meshexternalservice", "httpbin")
        let table = try await zone.egretctl("get", "meshexternalservices")
        #expect(table.contains("broken") && table.contains("InvalidSpec") && table.contains("STATUS"))
        try await Caller.waitUntilPasses(newer)
        #expect(try await Caller.curl(newer).output.contains("hello from the outside world"))
        #expect(server.requests > 0)

        // The older kind is refused until a permission by tags allows it.
        try await zone.apply(
            Self.mesh("zoneEgress: true") + "---\n" + Self.externalService("httpbin", server) + "---\n"
                + "{type: TrafficRoute, mesh: default, name: all, sources: [{match: {kuma.io/service: '*'}}], destinations: [{match: {kuma.io/service: '*'}}], conf: {destination: {kuma.io/service: httpbin}}}\n"
        )
        try await eventually("the egress refuses the caller as not_permitted") { () -> Bool? in
            guard try await Caller.curl(older).status != 0 else { return nil }
            return egress.log.contains("not_permitted") ? true : nil
        }
        #expect(try await zone.condition("Permitted", of: "external-services", "httpbin") == "False NoPermission")
        // The outbound says `old`; the route says where it goes instead.
        try await zone.apply(
            "{type: TrafficPermission, mesh: default, name: web, sources: [{match: {kuma.io/service: web}}], destinations: [{match: {kuma.io/service: httpbin}}]}"
        )
        try await Caller.waitUntilPasses(older)

        // A newer route goes before it, and a newer permission before that by tags.
        try await zone.apply(
            "{type: MeshTCPRoute, mesh: default, name: old, spec: {to: [{targetRef: {kind: MeshService, name: old}, rules: [{default: {backendRefs: [{kind: MeshExternalService, name: httpbin}]}}]}]}}"
        )
        try await zone.apply(
            "{type: MeshTrafficPermission, mesh: default, name: nobody, spec: {targetRef: {kind: MeshExternalService, name: httpbin}, from: [{targetRef: {kind: MeshService, name: web}, default: {action: Deny}}]}}"
        )
        try await Caller.waitUntilFails(older)
        try await zone.egretctl("delete", "meshtcproute", "old")
        try await Caller.waitUntilPasses(older)

        // No egress: closed, never around.
        egress.send(15)
        try await Caller.waitUntilFails(older)
        let requests = server.requests
        #expect(try await Caller.curl(older).status != 0)
        #expect(server.requests == requests)
        try await zone.waitForCondition("Ready", "False NoReadyEndpoints", of: "mesh", "default")
    }

    private static func externalService(_ name: String, _ server: HTTPSServer) -> String {
        """
        type: ExternalService
        mesh: default
        name: \(name)
        tags: {kuma.io/service: \(name), kuma.io/protocol: http}
        networking:
          address: \(server.address)
          tls:
            enabled: true
            serverName: httpbin.example
            caCert:
              inlineString: |
        \(server.certificate.split(separator: "\n").map { "        \($0)" }.joined(separator: "\n"))

        """
    }
}
