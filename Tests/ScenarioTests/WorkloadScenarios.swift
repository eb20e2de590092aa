import Foundation
import JSONModel
import TestKit
import Testing

extension Scenarios {
    @Suite("Workloads")
    struct Workloads {
        private static let permission = """
            apiVersion: kuma.io/v1alpha1
            kind: MeshTrafficPermission
            metadata: {name: web-to-api, namespace: \(Cluster.system), labels: {kuma.io/mesh: default}}
            spec:
              targetRef: {kind: MeshService, name: api_demo_svc_8080}
              from: [{targetRef: {kind: MeshService, name: web_demo_svc_8080}, default: {action: Allow}}]

            """

        private static let detour = """
            apiVersion: kuma.io/v1alpha1
            kind: MeshHTTPRoute
            metadata: {name: detour, namespace: \(Cluster.system), labels: {kuma.io/mesh: default}}
            spec:
              targetRef: {kind: MeshService, name: web_demo_svc_8080}
              to:
              - targetRef: {kind: MeshService, name: api_demo_svc_8080}
                rules:
                - matches: [{path: {type: PathPrefix, value: /}}]
                  default: {backendRefs: [{kind: MeshService, name: nobody}]}

            """

        @Test("Pods with the annotation get Dataplanes, and their workloads reach each other when permitted, for as long as they are ready")
        func pods() async throws {
            let api = try Greeter("api", address: "127.0.8.1")
            try await Cluster.with { cluster in
                try await cluster.install()
                try await cluster.apply(Manifests.mesh())
                try await cluster.prepareWorkloads()
                let asked = "kuma.io/sidecar-injected"
                try await cluster.apply(
                    Manifests.pod("api", annotations: [asked: "true", "egret.io/workloads": "8080=127.0.8.1:\(api.port)"]) + "---\n"
                        + Manifests.pod(
                            "web", annotations: [asked: "true", "egret.io/outbounds": "\(Loopback.client):10080=api_demo_svc_8080"]))
                for name in ["api", "web"] {
                    try await cluster.waitForCondition("Ready", "True Ready", of: "dataplane/\(name)", namespace: "demo")
                    let owner = try await cluster.object("dataplane/\(name)", namespace: "demo")?.at("metadata", "ownerReferences")?.array?
                        .first
                    #expect(owner?["kind"] == "Pod" && owner?["name"] == .string(name))
                }

                // Nobody allowed it.
                try await eventually("the proxy of api refuses the caller") {
                    _ = try await Greeter.call(Loopback.client)
                    return try await cluster.kubectl("-n", "demo", "logs", "api").contains("not_permitted") ? true : nil
                }
                #expect(api.server.connections == 0)
                try await cluster.apply(Self.permission)
                try await Greeter.waitUntil(Loopback.client, hears: "api heard ping")

                // A route sends the calls elsewhere for as long as it is there.
                try await cluster.apply(Self.detour)
                try await cluster.waitForCondition("Ready", "True Ready", of: "meshhttproute/detour", namespace: Cluster.system)
                try await Greeter.waitUntil(Loopback.client, hears: nil)
                try await cluster.kubectl("-n", Cluster.system, "delete", "meshhttproute", "detour")
                try await Greeter.waitUntil(Loopback.client, hears: "api heard ping")

                // A Dataplane is there for as long as the pod asks for it.
                try await cluster.kubectl("-n", "demo", "annotate", "pod", "web", "\(asked)-")
                try await cluster.waitUntilGone("dataplane/web", namespace: "demo")
                try await cluster.kubectl("-n", "demo", "annotate", "pod", "web", "\(asked)=true")
                try await cluster.waitForCondition("Ready", "True Ready", of: "dataplane/web", namespace: "demo")
                #expect(try await Greeter.call(Loopback.client) == "api heard ping")

                // With its pod it goes, and the endpoint with it.
                try await cluster.kubectl("-n", "demo", "delete", "pod", "api")
                try await cluster.waitUntilGone("dataplane/api", namespace: "demo")
                try await cluster.waitForCondition("Ready", "False NoReadyEndpoints", of: "dataplane/web", namespace: "demo")
                try await Greeter.waitUntil(Loopback.client, hears: nil)

                // What the control plane asked for, its roles allow.
                if Cluster.tellsRequests {
                    let missing = try await Permissions(of: cluster).missing(for: "egret-cp")
                    #expect(missing.isEmpty, "\(missing)")
                }
            }
        }

        @Test("Three meshes with the same service names on one egress never mix")
        func meshes() async throws {
            try await UniversalZone.with { zone in
                try await zone.withEgress { _ in
                    try await Self.add(["one", "two", "three"][...], to: zone) { try await Self.checkMeshes(zone) }
                }
            }
        }

        /// Meshes with the services `api`, `web` and, outside, `bank`; the third is permissive.
        private static func add(
            _ meshes: ArraySlice<String>, to zone: UniversalZone, _ body: @Sendable @escaping () async throws -> Void
        ) async throws {
            guard let mesh = meshes.first else { return try await body() }
            let number = 4 - meshes.count
            let api = try Greeter("api of \(mesh)", address: "\(zone.net).\(number)3")
            let bank = try Greeter("bank of \(mesh)", address: "\(zone.net).\(number)4")
            try await zone.apply(
                """
                type: Mesh
                name: \(mesh)
                mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin, mode: \(number == 3 ? "PERMISSIVE" : "STRICT")}]}
                routing: {zoneEgress: true}
                ---
                type: ExternalService
                mesh: \(mesh)
                name: bank-of-\(mesh)
                tags: {kuma.io/service: bank}
                networking: {address: "\(zone.net).\(number)4:\(bank.port)"}
                ---
                type: MeshTrafficPermission
                mesh: \(mesh)
                name: all-of-\(mesh)
                spec: {targetRef: {kind: Mesh}, from: [{targetRef: {kind: Mesh}, default: {action: Allow}}]}
                """)
            try await zone.withDataplane(
                "api-1", of: "api", mesh: mesh,
                networking: """
                    {address: \(zone.net).\(number)1, inbound: [{port: 8080, serviceAddress: \(zone.net).\(number)3, servicePort: \(api.port), tags: {kuma.io/service: api}}]}
                    """
            ) { _ in
                try await zone.withDataplane(
                    "web-1", of: "web", mesh: mesh,
                    networking: """
                        {address: \(zone.net).\(number)2, inbound: [{port: 8080, tags: {kuma.io/service: web}}], outbound: [
                          {address: \(zone.net).\(number)2, port: 10080, tags: {kuma.io/service: api}},
                          {address: \(zone.net).\(number)2, port: 10081, tags: {kuma.io/service: bank}}]}
                        """
                ) { _ in try await self.add(meshes.dropFirst(), to: zone, body) }
            }
        }

        private static func checkMeshes(_ zone: UniversalZone) async throws {
            for (index, mesh) in ["one", "two", "three"].enumerated() {
                let web = "\(zone.net).\(index + 1)2", api = "\(zone.net).\(index + 1)1"
                for (port, name) in [(10080, "api of \(mesh)"), (10081, "bank of \(mesh)")] as [(UInt16, String)] {
                    try await Greeter.waitUntil(web, port: port, hears: "\(name) heard ping")
                    for _ in 0..<20 { #expect(try await Greeter.call(web, port: port) == "\(name) heard ping") }
                }
                // In plain text, at the inbound itself.
                #expect(try await Greeter.call(api, port: 8080) == (mesh == "three" ? "api of three heard ping" : nil))
            }
        }

        @Test("mTLS is switched on under traffic, permissive and then strict, and no call fails")
        func switchingOn() async throws {
            try await UniversalZone.with { zone in
                let application = try Application("api", address: "\(zone.net).13")
                @Sendable func mesh(_ mtls: String) -> String {
                    """
                    type: Mesh
                    name: default
                    \(mtls)
                    ---
                    type: MeshTrafficPermission
                    mesh: default
                    name: all
                    spec: {targetRef: {kind: Mesh}, from: [{targetRef: {kind: Mesh}, default: {action: Allow}}]}
                    """
                }
                @Sendable func mtls(_ mode: String) -> String {
                    mesh("mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin, mode: \(mode)}]}")
                }
                let (web, api) = ("\(zone.net).12", "\(zone.net).11")
                try await zone.apply(mesh(""))
                try await zone.withDataplane(
                    "api-1", of: "api",
                    networking: """
                        {address: \(api), inbound: [
                          {port: 8080, serviceAddress: \(zone.net).13, servicePort: \(application.port), tags: {kuma.io/service: api}}]}
                        """
                ) { _ in
                    try await zone.withDataplane(
                        "web-1", of: "web",
                        networking: """
                            {address: \(web), inbound: [{port: 8080, tags: {kuma.io/service: web}}],
                             outbound: [{address: \(web), port: 10080, tags: {kuma.io/service: api}}]}
                            """
                    ) { _ in
                        let load = RequestLoad(web, 10080, expecting: "api")
                        let direct = RequestLoad(api, 8080, expecting: "api")
                        for load in [load, direct] {
                            load.run(threads: 2)
                            try await load.serves(20)
                        }
                        defer { for load in [load, direct] { load.stop() } }
                        func waitForTLS() async throws {
                            try await eventually("web calls api with mTLS") { () -> Bool? in
                                let cluster = try await Self.cluster("default:api", in: zone)
                                guard let endpoint = cluster?["endpoints"]?.array?.first else { return nil }
                                return cluster?.at("tls", "mesh") != nil && endpoint["tls"] == nil ? true : nil
                            }
                        }
                        try await zone.apply(mtls("PERMISSIVE"))
                        try await waitForTLS()
                        for load in [load, direct] {
                            try await load.serves(50)
                            #expect(load.now.failures.isEmpty, "\(load.now.failures.prefix(5))")
                        }
                        direct.stop()
                        try await zone.apply(mtls("STRICT"))
                        try await eventually("plain text is refused") { try await Greeter.call(api, port: 8080) == nil ? true : nil }
                        try await load.serves(50)
                        #expect(load.now.failures.isEmpty, "\(load.now.failures.prefix(5))")
                    }
                }
            }
        }

        /// As the proxy of `web` has it.
        private static func cluster(_ name: String, in zone: UniversalZone) async throws -> JSON? {
            let table = try JSON(parsing: try await zone.egretctl("inspect", "dataplane", "web-1", "--type", "config-dump"))
            return (table.at("config", "clusters")?.array ?? []).first { $0["name"]?.string == name }
        }

        @Test("The way through the egress is switched on and off under traffic, and no call fails")
        func switchingEgress() async throws {
            try await UniversalZone.with { zone in
                let application = try Application("outside", address: "\(zone.net).13")
                @Sendable func world(zoneEgress: Bool) -> String {
                    """
                    type: Mesh
                    name: default
                    mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}
                    routing: {zoneEgress: \(zoneEgress)}
                    ---
                    type: ExternalService
                    mesh: default
                    name: outside
                    tags: {kuma.io/service: outside}
                    networking: {address: "\(zone.net).13:\(application.port)"}
                    ---
                    type: MeshTrafficPermission
                    mesh: default
                    name: all
                    spec: {targetRef: {kind: Mesh}, from: [{targetRef: {kind: Mesh}, default: {action: Allow}}]}
                    """
                }
                try await zone.apply(world(zoneEgress: false))
                try await zone.withEgress { _ in
                    let web = "\(zone.net).12"
                    try await zone.withDataplane(
                        "web-1", of: "web",
                        networking: """
                            {address: \(web), inbound: [{port: 8080, tags: {kuma.io/service: web}}],
                             outbound: [{address: \(web), port: 10080, tags: {kuma.io/service: outside}}]}
                            """
                    ) { _ in
                        let load = RequestLoad(web, 10080, expecting: "outside")
                        load.run(threads: 2)
                        defer { load.stop() }
                        try await load.serves(20)
                        func waitUntil(throughEgress: Bool) async throws {
                            try await eventually("web calls \(throughEgress ? "through the egress" : "directly")") { () -> Bool? in
                                let cluster = try await Self.cluster("default:outside", in: zone)
                                let port = cluster?["endpoints"]?.array?.first?["port"]?.int
                                return port == (throughEgress ? 10002 : Int(application.port)) ? true : nil
                            }
                        }
                        for on in [true, false, true] {
                            try await zone.apply(world(zoneEgress: on))
                            try await waitUntil(throughEgress: on)
                            try await load.serves(50)
                            #expect(load.now.failures.isEmpty, "\(on): \(load.now.failures.prefix(5))")
                        }
                    }
                }
            }
        }

        @Test("The own zone comes first, another one when nothing of it is left; through the egress, directly, and nowhere else")
        func locality() async throws {
            try await UniversalZone.with { zone in
                let here = try Greeter("here", address: "\(zone.net).40"), there = try Greeter("there", address: "\(zone.net).41")
                try await zone.apply(Self.mesh(zoneEgress: true) + Self.east(zone))
                let remote = Self.networking(zone, address: 31, workload: 41, there.port, ready: false)
                try await zone.withDataplane("api-2", of: "api", networking: remote) { other in
                    try await zone.withDataplane(
                        "web-1", of: "web",
                        networking: """
                            {address: \(zone.net).20, inbound: [{port: 8080, tags: {kuma.io/service: web}}],
                             outbound: [{address: \(zone.net).20, port: 10080, tags: {kuma.io/service: api}}]}
                            """
                    ) { _ in
                        // Closed while no egress is there, although the other zone could be reached.
                        #expect(try await Greeter.call("\(zone.net).20") == nil)
                        try await zone.withEgress { _ in
                            let local = Self.networking(zone, address: 30, workload: 40, here.port, ready: true)
                            try await Self.story(zone, local: local, other)
                        }
                    }
                }
            }
        }

        private static func story(_ zone: UniversalZone, local: String, _ other: BackgroundProcess) async throws {
            let web = "\(zone.net).20"
            @Sendable func passed() async throws -> Int {
                let page = try await zone.egretctl("inspect", "zoneegress", "zoneegress-1", "--type", "stats")
                let line = page.split(separator: "\n").first { $0.hasPrefix("egret_connections_total{verdict=\"allowed\"") }
                return Int(line?.split(separator: " ").last ?? "") ?? -1
            }
            try await Greeter.waitUntil(web, hears: "there heard ping")
            #expect(try await passed() > 0)

            // The own zone, as soon as there is something of it.
            try await zone.withDataplane("api-1", of: "api", networking: local) { _ in
                try await Greeter.waitUntil(web, hears: "here heard ping")
                let before = try await passed()
                for _ in 0..<20 { #expect(try await Greeter.call(web) == "here heard ping") }
                #expect(try await passed() == before)
            }
            try await Greeter.waitUntil(web, hears: "there heard ping")

            // The flag off: past the egress, which is still there.
            try await zone.apply(self.mesh(zoneEgress: false))
            try await eventually("calls don't pass the egress any more") { () -> Bool? in
                let before = try await passed()
                guard try await Greeter.call(web) == "there heard ping" else { return nil }
                return try await passed() == before ? true : nil
            }
            try await zone.withDataplane("api-1", of: "api", networking: local) { _ in
                try await Greeter.waitUntil(web, hears: "here heard ping")
            }
            try await Greeter.waitUntil(web, hears: "there heard ping")

            // The other zone's way in is gone, and there is no other.
            other.send(SIGTERM)
            try await Greeter.waitUntil(web, hears: nil)
        }

        private static func mesh(zoneEgress: Bool) -> String {
            """
            type: Mesh
            name: default
            mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}
            routing: {zoneEgress: \(zoneEgress), localityAwareLoadBalancing: true}

            """
        }

        /// Another zone with the service `api`, and leave to call it.
        private static func east(_ zone: UniversalZone) -> String {
            """
            ---
            type: MeshTrafficPermission
            mesh: default
            name: all
            spec: {targetRef: {kind: Mesh}, from: [{targetRef: {kind: Mesh}, default: {action: Allow}}]}
            ---
            type: ZoneIngress
            name: east
            zone: east
            networking: {address: \(zone.net).31, port: 8080, advertisedAddress: \(zone.net).31, advertisedPort: 8080}
            availableServices: [{mesh: default, instances: 3, tags: {kuma.io/service: api}}]

            """
        }

        /// Of an instance of `api`. One that is not ready is nobody's endpoint here, and stands for the other zone's.
        private static func networking(_ zone: UniversalZone, address: Int, workload: Int, _ port: UInt16, ready: Bool) -> String {
            """
            {address: \(zone.net).\(address), inbound: [{port: 8080, serviceAddress: \(zone.net).\(workload), servicePort: \(port),
              health: {ready: \(ready)}, tags: {kuma.io/service: api}}]}
            """
        }
    }
}
