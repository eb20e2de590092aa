import Foundation
import JSONModel
import TestKit
import Testing

extension Scenarios {
    /// A cluster and a zone without Kubernetes under one global control plane.
    @Suite("Several zones")
    struct Several {
        @Test("A cluster and another zone share what the global control plane has, and go on, restarts included, while it is killed")
        func story() async throws {
            try await Cluster.with { cluster in
                let global = ControlPlaneProcess("global", folder: cluster.directory, address: Loopback.global, ["--role", "global"])
                do {
                    try await global.run { process in
                        try await global.apply(Self.resources)
                        let token = try await global.zoneToken("zone-2")
                        let other = ControlPlaneProcess(
                            "zone-2", folder: cluster.directory, address: Loopback.otherZone,
                            [
                                "--zone", "zone-2", "--global-address", "https://\(Loopback.global):5685", "--global-token-file", token,
                            ])
                        try await other.run { _ in
                            try await Self.join(cluster, global)
                            try await Self.share(cluster, global, other)
                        }
                        process.send(SIGKILL)
                        // While the global one is away both control planes restart.
                        try await other.run { _ in
                            try await cluster.kubectl(
                                "-n", Cluster.system, "delete", "pod", "-l", "app.kubernetes.io/component=control-plane", "--wait=false")
                            try await Self.goOn(cluster, other)
                        }
                    }
                    try await global.run { _ in try await Self.return(cluster, global) }
                } catch {
                    print("--- global\n\(global.log.split(separator: "\n").suffix(40).joined(separator: "\n"))")
                    throw error
                }
            }
        }

        @Test("A call crosses zones that know each other by the global control plane, and goes on while that and a zone's own are killed")
        func call() async throws {
            let folder = FileManager.default.temporaryDirectory.path + "/egret-zones-\(UUID().uuidString.prefix(8))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let global = ControlPlaneProcess("global", folder: folder, address: Loopback.global, ["--role", "global"])
            try await global.run { process in
                try await global.apply(Self.resources)
                try await UniversalZone.with(name: "zone-2", under: global) { two in
                    try await UniversalZone.with(name: "zone-1", under: global) { one, controlPlane in
                        for zone in [one, two] {
                            try await eventually("\(zone.name) has the mesh") {
                                try await zone.egretctl("get", "meshes").contains("builtin/ca-1") ? true : nil
                            }
                        }
                        try await Self.across(one, two) { url in
                            process.send(SIGKILL)
                            controlPlane.send(SIGKILL)
                            #expect(try await Caller.curl(url).status == 0)
                            try await one.withControlPlane { _ in
                                // A proxy that comes now gets a certificate that the other zone trusts.
                                try await one.withEgress(2) { _ in
                                    for _ in 0..<10 {
                                        let result = try await Caller.curl(url)
                                        #expect(result.status == 0, "\(result)")
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }

        @Test("Versions of a service in another zone are told apart: by an outbound's tags and by each kind of route")
        func versions() async throws {
            let folder = FileManager.default.temporaryDirectory.path + "/egret-zones-\(UUID().uuidString.prefix(8))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let global = ControlPlaneProcess("global", folder: folder, address: Loopback.global, ["--role", "global"])
            try await global.run { _ in
                try await global.apply(Self.resources)
                try await UniversalZone.with(name: "zone-2", under: global) { two in
                    try await UniversalZone.with(name: "zone-1", under: global) { one in
                        try await Self.versions(one, two, global)
                    }
                }
            }
        }

        private static func versions(_ one: UniversalZone, _ two: UniversalZone, _ global: ControlPlaneProcess) async throws {
            let (tagged, whole) = ("http://\(one.outbound):10081/version", "http://\(one.outbound):10082/version")
            try await Self.withVersion(1, in: two) {
                try await Self.withVersion(2, in: two) {
                    try await two.withIngress { _ in
                        try await one.withEgress { _ in
                            try await one.withDataplane(
                                "client",
                                outbounds: [
                                    "port: 10081, tags: {kuma.io/service: backend, version: v2}",
                                    "port: 10082, tags: {kuma.io/service: backend}",
                                ]
                            ) { _ in
                                try await Caller.waitUntilPasses(tagged)
                                for _ in 0..<6 { #expect(try await Caller.curl(tagged).output == "v2") }
                                try await eventually("without routes both versions answer for the whole service") { () -> Bool? in
                                    let answers = try await Self.answers(whole)
                                    return answers == ["v1", "v2"] ? true : nil
                                }
                                for (kind, name, route) in Self.routes {
                                    for versions in [["v1"], ["v1", "v2"], ["v2"]] {
                                        try await global.apply(route(versions))
                                        try await eventually("the \(kind) leads to \(versions)") {
                                            try await Self.answers(whole) == versions ? true : nil
                                        }
                                    }
                                    try await global.egretctl("delete", kind, name)
                                    try await eventually("without the \(kind) both answer again") {
                                        try await Self.answers(whole) == ["v1", "v2"] ? true : nil
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }

        /// What a dozen calls are answered with, each answer once.
        private static func answers(_ url: String) async throws -> [String] {
            var answers: Set<String> = []
            for _ in 0..<12 { answers.insert(try await Caller.curl(url).output) }
            return answers.sorted()
        }

        private static func withVersion(_ number: Int, in zone: UniversalZone, _ body: @Sendable () async throws -> Void) async throws {
            let (folder, application) = ("\(zone.folder)/v\(number)", "\(zone.net).3\(number)")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            _ = zone.write("v\(number)", to: "v\(number)/version")
            try await BackgroundProcess.with(
                "python3", ["-u", "-m", "http.server", "8080", "--bind", application, "--directory", folder],
                logFile: "\(zone.folder)/v\(number).log"
            ) { _ in
                let networking = """
                    {
                      address: \(zone.net).10\(number),
                      inbound: [{
                        port: 8080, servicePort: 8080, serviceAddress: \(application), tags: {kuma.io/service: backend, version: v\(number)}
                      }]
                    }
                    """
                try await zone.withDataplane("backend-\(number)", of: "backend", networking: networking) { _ in try await body() }
            }
        }

        /// Each kind of route with what sends a call to versions of the service, in equal parts.
        private static let routes: [(kind: String, name: String, to: @Sendable (_ versions: [String]) -> String)] = [
            (
                "meshtcproute", "connections",
                { versions in
                    """
                    type: MeshTCPRoute
                    mesh: default
                    name: connections
                    spec:
                      targetRef: {kind: Mesh}
                      to:
                      - targetRef: {kind: MeshService, name: backend}
                        rules: [{default: {backendRefs: [\(Self.references(versions))]}}]
                    """
                }
            ),
            (
                "meshhttproute", "requests",
                { versions in
                    """
                    type: MeshHTTPRoute
                    mesh: default
                    name: requests
                    spec:
                      targetRef: {kind: Mesh}
                      to:
                      - targetRef: {kind: MeshService, name: backend}
                        rules:
                        - matches: [{path: {type: PathPrefix, value: /elsewhere}}]
                          default: {backendRefs: [{kind: MeshService, name: nothing}]}
                        - matches: [{path: {type: PathPrefix, value: /}}]
                          default: {backendRefs: [\(Self.references(versions))]}
                    """
                }
            ),
            (
                "traffic-route", "older",
                { versions in
                    let split = versions.map { "{weight: 1, destination: {kuma.io/service: backend, version: \($0)}}" }
                    return """
                        type: TrafficRoute
                        mesh: default
                        name: older
                        sources: [{match: {kuma.io/service: '*'}}]
                        destinations: [{match: {kuma.io/service: backend}}]
                        conf: {split: [\(split.joined(separator: ", "))]}
                        """
                }
            ),
        ]

        private static func references(_ versions: [String]) -> String {
            versions.map { "{kind: MeshServiceSubset, name: backend, tags: {version: \($0)}, weight: 1}" }.joined(separator: ", ")
        }

        /// Proxies of a call from one zone to the other, and nothing carried over by hand.
        private static func across(
            _ one: UniversalZone, _ two: UniversalZone, _ body: @Sendable @escaping (_ url: String) async throws -> Void
        ) async throws {
            let url = "http://\(one.outbound):10081/"
            try await BackgroundProcess.with(
                "python3", ["-u", "-m", "http.server", "8080", "--bind", "\(two.net).30"], logFile: "\(two.folder)/application.log"
            ) { _ in
                try await two.withDataplane(
                    "backend", inbound: "port: 8080, servicePort: 8080, serviceAddress: \(two.net).30", outbounds: []
                ) { _ in
                    try await two.withIngress { _ in
                        try await one.withEgress { _ in
                            try await one.withDataplane("client", outbounds: ["port: 10081, tags: {kuma.io/service: backend}"]) { _ in
                                try await Caller.waitUntilPasses(url)
                                try await body(url)
                            }
                        }
                    }
                }
            }
        }

        private static func join(_ cluster: Cluster, _ global: ControlPlaneProcess) async throws {
            try await cluster.install(
                """
                kuma:
                  egress: {enabled: true}
                  controlPlane: {zone: cluster, globalAddress: "https://\(Loopback.global):5685"}
                """)
            // Its token comes later than the control plane.
            let token = try await global.zoneToken("cluster")
            try await cluster.kubectl(
                "-n", Cluster.system, "create", "secret", "generic", "egret-global-token", "--from-file=token=\(token)")
            try await eventually("the mesh and its service are objects of the cluster") {
                let services = try JSON(parsing: try await cluster.kubectl("get", "externalservices", "-o", "json"))["items"]?.array ?? []
                let names = services.compactMap { $0.at("metadata", "labels", "kuma.io/display-name")?.string }
                return names == ["httpbin"] && services[0]["mesh"] == "default" ? true : nil
            }
            try await cluster.waitForEgress()
            try await cluster.kubectl("wait", "--for=condition=Ready", "mesh/default", "--timeout=60s")
        }

        private static func share(_ cluster: Cluster, _ global: ControlPlaneProcess, _ other: ControlPlaneProcess) async throws {
            // One authority, in the cluster's Secret as in the other zone's store.
            let secret = try await cluster.object("secret/default.ca-builtin-cert-ca-1")
            let shared = try JSON(
                parsing: try await other.egretctl("get", "secrets", "default.ca-builtin-cert-ca-1", "-o", "json"))["data"]
            #expect(shared != nil && secret?.at("data", "value") == shared)

            // What is edited is put back, and so is what is deleted.
            try await cluster.kubectl("patch", "mesh", "default", "--type=merge", "-p", #"{"spec":{"routing":{"zoneEgress":false}}}"#)
            try await eventually("the edit is undone") {
                try await cluster.object("mesh/default")?.at("spec", "routing", "zoneEgress") == true ? true : nil
            }
            try await cluster.kubectl("delete", "externalservices", "--all", "--wait=false")
            try await eventually("it is back") {
                try await cluster.kubectl("get", "externalservices", "-o", "name").contains("httpbin-") ? true : nil
            }

            // The way into the cluster is known in the other zone, and the cluster's egress at the global control plane.
            try await cluster.apply(Self.ingress)
            try await eventually("the ingress is in the other zone") {
                try await other.egretctl("get", "zone-ingresses").contains("192.0.2.7:10001") ? true : nil
            }
            try await eventually("the global control plane shows zones and their proxies") { () -> Bool? in
                let zones = try await global.egretctl("inspect", "zones").split(separator: "\n").dropFirst()
                let egresses = try await global.egretctl("inspect", "zoneegresses")
                let isThere = zones.count == 2 && zones.allSatisfy { $0.contains("Online") }
                return isThere && egresses.contains("ZONE") && egresses.contains("cluster") && egresses.contains("Online") ? true : nil
            }
            let name = try await global.egretctl("get", "zoneegresses").split(separator: "\n").last?.split(separator: " ").first
            let clusters = try await global.egretctl("inspect", "zoneegress", String(name ?? ""), "--type", "clusters")
            #expect(clusters.contains("default:httpbin"), "\(clusters)")
            let written = try await other.tryEgretctl(["delete", "mesh", "default"])
            #expect(written.status != 0 && written.errors.contains("https://\(Loopback.global):5685"), "\(written)")
            if Cluster.tellsRequests {
                let refused = try await Permissions(of: cluster).missing(for: "egret-cp")
                #expect(refused.isEmpty, "a real cluster would refuse the control plane: \(refused)")
            }
        }

        private static func goOn(_ cluster: Cluster, _ other: ControlPlaneProcess) async throws {
            #expect(try await other.egretctl("get", "meshes").contains("default"))
            #expect(try await other.egretctl("get", "zone-ingresses").contains("192.0.2.7:10001"))
            try await cluster.kubectl("-n", Cluster.system, "rollout", "status", "deploy/egret-control-plane", "--timeout=60s")
            // A new proxy gets its table and its certificate.
            try await cluster.scaleEgress(2)
            _ = try await cluster.waitForEgressPods(2)
            try await cluster.kubectl("-n", Cluster.system, "wait", "--for=condition=Ready", "zoneegress/egress", "--timeout=60s")
            #expect(try await cluster.exists("mesh/default"))
            let refusal = try await other.tryEgretctl(["delete", "mesh", "default"])
            #expect(refusal.status != 0)
        }

        private static func `return`(_ cluster: Cluster, _ global: ControlPlaneProcess) async throws {
            try await eventually("the cluster is back at the global control plane") {
                let zones = try await global.egretctl("inspect", "zones").split(separator: "\n")
                return zones.contains { $0.hasPrefix("cluster") && $0.contains("Online") } ? true : nil
            }
            try await global.egretctl("delete", "external-service", "httpbin")
            try await eventually("what was deleted goes") {
                try await cluster.kubectl("get", "externalservices", "-o", "name").isEmpty ? true : nil
            }
        }

        private static let resources = """
            type: Mesh
            name: default
            mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}
            routing: {zoneEgress: true}
            ---
            type: ExternalService
            mesh: default
            name: httpbin
            tags: {kuma.io/service: httpbin}
            networking: {address: "192.0.2.1:443"}
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

        private static let ingress = """
            apiVersion: kuma.io/v1alpha1
            kind: ZoneIngress
            metadata: {name: by-hand, namespace: \(Cluster.system)}
            spec:
              zone: cluster
              networking: {address: 192.0.2.7, port: 10001, advertisedAddress: 192.0.2.7, advertisedPort: 10001}
              availableServices: [{mesh: default, instances: 1, tags: {kuma.io/service: web_shop_svc_80}}]
            """
    }
}
