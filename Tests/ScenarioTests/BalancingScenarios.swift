import Foundation
import JSONModel
import TestKit
import Testing

extension Scenarios {
    /// Three zones without Kubernetes under a global control plane. Each has an application that answers with its zone's name.
    @Suite("Zones in order")
    struct Balancing {
        @Test(
            "Through an egress the own zone serves first, then the zone that a strategy names, then any; and where it permits none, calls fail and the status names it"
        )
        func story() async throws { try await Self.with { try await Self.story($0, $1, $2, $3) } }

        @Test("A service comes to zones and leaves them under load, and no call fails")
        func comingAndGoing() async throws {
            try await Self.with { _, one, two, three in
                let url = "http://\(one.outbound):10081/zone"
                let load = RequestLoad(one.outbound, 10081, path: "/zone", expecting: "zone-")
                defer { load.stop() }
                @Sendable func serves(_ expected: [String]) async throws {
                    try await Self.wait(for: expected, at: url)
                    try await load.serves(50)
                    #expect(load.now.failures.isEmpty, "\(expected): \(load.now.failures.prefix(5))")
                }
                try await Self.withInstance(in: two, grace: "5s") { second in
                    try await two.withIngress { _ in
                        try await three.withIngress { _ in
                            try await one.withEgress { _ in
                                try await one.withDataplane("client", outbounds: ["port: 10081, tags: {kuma.io/service: backend}"]) { _ in
                                    try await Self.wait(for: ["zone-2"], at: url)
                                    load.run(threads: 2)
                                    try await Self.withInstance(in: three, grace: "5s") { third in
                                        try await serves(["zone-2", "zone-3"])
                                        try await Self.withInstance(in: one, grace: "5s") { first in
                                            try await serves(["zone-1", "zone-2", "zone-3"])
                                            try await Self.leave(first)
                                            try await serves(["zone-2", "zone-3"])
                                        }
                                        try await Self.leave(third)
                                        try await serves(["zone-2"])
                                    }
                                    try await Self.withInstance(in: three, grace: "5s") { _ in
                                        try await serves(["zone-2", "zone-3"])
                                        try await Self.leave(second)
                                        try await serves(["zone-3"])
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }

        /// As a rollout stops an instance.
        private static func leave(_ proxy: BackgroundProcess) async throws {
            proxy.send(SIGTERM)
            try await proxy.line(containing: " Stopped", timeout: .seconds(30))
        }

        private static func with(
            _ body:
                @Sendable @escaping (
                    _ global: ControlPlaneProcess, _ one: UniversalZone, _ two: UniversalZone, _ three: UniversalZone
                ) async throws -> Void
        ) async throws {
            let folder = FileManager.default.temporaryDirectory.path + "/egret-balancing-\(UUID().uuidString.prefix(8))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let global = ControlPlaneProcess("global", folder: folder, address: Loopback.global, ["--role", "global"])
            try await global.run { _ in
                try await global.apply(Self.resources)
                try await UniversalZone.with(name: "zone-3", under: global) { three in
                    try await UniversalZone.with(name: "zone-2", under: global) { two in
                        try await UniversalZone.with(name: "zone-1", under: global) { one in
                            for zone in [one, two, three] {
                                try await zone.waitForCondition("Accepted", "True Accepted", of: "mesh", "default")
                            }
                            try await body(global, one, two, three)
                        }
                    }
                }
            }
        }

        private static func story(
            _ global: ControlPlaneProcess, _ one: UniversalZone, _ two: UniversalZone, _ three: UniversalZone
        ) async throws {
            let url = "http://\(one.outbound):10081/zone"
            try await Self.withInstance(in: three) { _ in
                try await Self.withInstance(in: two) { _ in
                    try await two.withIngress { _ in
                        try await one.withEgress { _ in
                            try await one.withDataplane("client", outbounds: ["port: 10081, tags: {kuma.io/service: backend}"]) { _ in
                                try await three.withIngress { _ in
                                    try await Self.wait(for: ["zone-2", "zone-3"], at: url)
                                    try await global.apply(Self.strategy("{to: {type: Only, zones: [zone-3]}}, {to: {type: Any}}"))
                                    try await Self.wait(for: ["zone-3"], at: url)
                                    try await Self.withInstance(in: one) { _ in try await Self.wait(for: ["zone-1"], at: url) }
                                    try await Self.wait(for: ["zone-3"], at: url)
                                }
                                try await Self.wait(for: ["zone-2"], at: url)
                                try await three.withIngress { _ in
                                    try await Self.wait(for: ["zone-3"], at: url)
                                    try await global.apply(Self.strategy("{to: {type: None}}"))
                                    try await Self.closed(one, url)
                                    try await global.egretctl("delete", "meshloadbalancingstrategy", "in-order")
                                    try await Self.wait(for: ["zone-2", "zone-3"], at: url)
                                }
                            }
                        }
                    }
                }
            }
        }

        private static func closed(_ zone: UniversalZone, _ url: String) async throws {
            try await zone.waitForCondition("Ready", "False NoReadyEndpoints", of: "dataplane", "client-1")
            try await Caller.waitUntilFails(url)
            let dataplane = try JSON(parsing: try await zone.egretctl("get", "dataplane", "client-1", "-o", "json"))
            let ready = (dataplane.at("status", "conditions")?.array ?? []).first { $0["type"] == "Ready" }
            let message = ready?["message"]?.string ?? ""
            #expect(
                message.contains("(zone-2, zone-3), and MeshLoadBalancingStrategy in-order permits none of them"), "\(message)")
        }

        /// Until the answers of a dozen calls, each once, are these.
        private static func wait(for expected: [String], at url: String) async throws {
            try await eventually("\(expected.joined(separator: " and ")) answers, and nobody else") { () -> Bool? in
                var answers: Set<String> = []
                for _ in 0..<12 { answers.insert(try await Caller.curl(url).output) }
                guard answers.sorted() == expected else { throw Others(answers: answers.sorted()) }
                return true
            }
        }

        private struct Others: Error { let answers: [String] }

        private static func withInstance(
            in zone: UniversalZone, grace: String = "0s", _ body: @Sendable (_ proxy: BackgroundProcess) async throws -> Void
        ) async throws {
            let (folder, application) = ("\(zone.folder)/application", "\(zone.net).30")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            _ = zone.write(zone.name, to: "application/zone")
            try await BackgroundProcess.with(
                "python3", ["-u", "-m", "http.server", "8080", "--bind", application, "--directory", folder],
                logFile: "\(zone.folder)/application.log"
            ) { _ in
                try await Caller.waitUntilPasses("http://\(application):8080/zone")
                let inbound = "port: 8080, servicePort: 8080, serviceAddress: \(application), tags: {kuma.io/service: backend}"
                try await zone.withDataplane(
                    "backend-1", of: "backend", networking: "{address: \(zone.net).101, inbound: [{\(inbound)}]}", grace: grace
                ) { try await body($0) }
            }
        }

        private static func strategy(_ failover: String) -> String {
            """
            type: MeshLoadBalancingStrategy
            mesh: default
            name: in-order
            spec:
              targetRef: {kind: Mesh}
              to:
              - targetRef: {kind: MeshService, name: backend}
                default: {localityAwareness: {crossZone: {failover: [\(failover)]}}}
            """
        }

        private static let resources = """
            type: Mesh
            name: default
            mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}
            routing: {zoneEgress: true}
            ---
            type: MeshTrafficPermission
            mesh: default
            name: anybody-to-anything
            spec:
              targetRef: {kind: Mesh}
              from:
              - targetRef: {kind: Mesh}
                default: {action: Allow}
            """
    }
}
