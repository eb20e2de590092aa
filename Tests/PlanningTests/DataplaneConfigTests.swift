import JSONModel
import KubeAPI
import MeshModel
import Planning
import Routing
import TestKit
import Testing

/// The tables of workloads' proxies.
@Suite("Dataplane tables")
struct DataplaneConfigTests {
    private static let outbounds =
        "{port: 1001, tags: {kuma.io/service: httpbin}}, {port: 1002, tags: {kuma.io/service: backend}}, {port: 1003, tags: {kuma.io/service: api_demo_svc_80}}"

    private func zone(zoneEgress: Bool = true, pods: Int = 2, enabled: Bool = true) throws -> TestZone {
        var zone = try TestZone(egressEnabled: enabled)
        try zone.addMesh(zoneEgress: zoneEgress)
        try zone.add(Fixture.httpbin + Fixture.east)
        try zone.addWorkload("web", ip: "10.3.0.1", outbounds: Self.outbounds)
        try zone.addWorkload("api", ip: "10.3.0.2")
        zone.settle()
        if enabled, pods > 0 { for number in 1...pods { try zone.addEgressPod(number) } }
        return zone
    }

    private func table(_ zone: TestZone) throws -> ProxyConfig {
        var zone = zone
        return try #require(zone.settle().dataplaneConfig("web"))
    }

    @Test("With the flag on everything beyond the zone goes through every ready egress, golden")
    func throughEgress() throws {
        let table = try self.table(self.zone())
        expectGolden(table.golden, "dataplane-through-egress.json")
        #expect(table.cluster("default:httpbin")?.addresses == ["10.1.0.1:10002x1", "10.1.0.2:10002x1"])
        #expect(
            table.cluster("default:httpbin")?.tls
                == .mesh(mesh: "default", sni: "httpbin{mesh=default}", peer: "spiffe://default/zone-egress"))
        // The session to another zone's service is end to end.
        #expect(
            table.cluster("default:backend")?.tls == .mesh(mesh: "default", sni: "backend{mesh=default}", peer: "spiffe://default/backend"))
        #expect(table.cluster("default:api_demo_svc_80")?.addresses == ["10.3.0.2:80x1"])
    }

    @Test("With the flag off the direct path is taken, golden")
    func direct() throws {
        let table = try self.table(self.zone(zoneEgress: false, pods: 0))
        expectGolden(table.golden, "dataplane-direct.json")
        #expect(table.cluster("default:httpbin")?.addresses == ["httpbin.org:80x1"])
        #expect(table.cluster("default:backend")?.addresses == ["10.2.0.1:10001x3"])
    }

    @Test("With the flag off an external service's TLS begins in the workload's proxy")
    func directTLS() throws {
        var zone = try self.zone(zoneEgress: false, pods: 0)
        zone.change(.externalServices, "httpbin") { $0.json.set(["spec", "networking", "tls", "enabled"], to: true) }
        let table = try #require(zone.settle().dataplaneConfig("web"))
        let listener = try #require(table.listeners.first { $0.port == 1001 })
        #expect(listener.kind == .outbound(service: "httpbin", action: .originate(mesh: "default", cluster: "default:httpbin")))
        #expect(table.cluster("default:httpbin")?.tls == .external(ExternalTLS(serverName: "httpbin.org")))
    }

    @Test("With the flag on and no egress ready there is no endpoint, and no way around")
    func failsClosed() throws {
        for enabled in [true, false] {
            var zone = try self.zone(pods: 0, enabled: enabled)
            let table = try #require(zone.settle().dataplaneConfig("web"))
            #expect(table.cluster("default:httpbin")?.endpoints.isEmpty == true)
            #expect(table.cluster("default:backend")?.endpoints.isEmpty == true)
            #expect(table.cluster("default:api_demo_svc_80")?.endpoints.isEmpty == false)
            #expect(table.listeners.count == 3)
            #expect(zone.condition(.dataplanes, "web-0", in: "demo") == "False NoReadyEndpoints")
            #expect(zone.message(.dataplanes, "web-0", in: "demo").contains("no egress is ready"))
        }
    }

    @Test("A pod that is not ready or on its way out is no endpoint")
    func readyPodsOnly() throws {
        var zone = try self.zone()
        zone.change(.pods, "egret-egress-abc-1") { $0.json.set(["metadata", "deletionTimestamp"], to: "2026-01-01T00:00:00Z") }
        #expect(zone.settle().dataplaneConfig("web")?.cluster("default:httpbin")?.addresses == ["10.1.0.2:10002x1"])
    }

    @Test("A service here and in other zones is shared between both")
    func localAndRemote() throws {
        var zone = try self.zone()
        let service = "{tags: {kuma.io/service: api_demo_svc_80}, instances: 5, mesh: default}"
        try zone.add(
            Fixture.ingress("n", zone: "north", address: "10.4.0.1", service)
                + Fixture.ingress("s", zone: "south", address: "10.5.0.1", service))
        // Directly the local endpoint weighs as much as there are remote ingresses, and each of those as it has instances; the
        // egresses in between, however many, have the share of what is behind them.
        func shares() -> [String]? { zone.settle().dataplaneConfig("web")?.cluster("default:api_demo_svc_80")?.addresses }
        #expect(shares() == ["10.3.0.2:80x2", "10.1.0.1:10002x5", "10.1.0.2:10002x5"])
        try zone.addWorkload("api", ip: "10.3.0.2")
        zone.remove(.pods, ObjectKey(namespace: "kuma-system", name: "egret-egress-abc-2"))
        #expect(shares() == ["10.3.0.2:80x1", "10.1.0.1:10002x5"])
        zone.change(.meshes, "default") { $0.json.set(["spec", "routing", "zoneEgress"], to: false) }
        #expect(shares() == ["10.3.0.2:80x2", "10.4.0.1:10001x5", "10.5.0.1:10001x5"])
    }

    /// `address priority`
    private func priorities(_ zone: inout TestZone, of cluster: String = "default:api_demo_svc_80") -> [String]? {
        zone.settle().dataplaneConfig("web")?.cluster(cluster)?.endpoints.map { "\($0.address) \($0.priority)" }
    }

    @Test("A mesh that prefers its own zone goes elsewhere when nothing of it is left, through the egress or not")
    func locality() throws {
        var zone = try self.zone(pods: 1)
        zone.change(.meshes, "default") { $0.json.set(["spec", "routing", "localityAwareLoadBalancing"], to: true) }
        try zone.add(
            Fixture.ingress(
                "n", zone: "north", address: "10.4.0.1", "{tags: {kuma.io/service: api_demo_svc_80}, instances: 5, mesh: default}"))
        #expect(self.priorities(&zone) == ["10.3.0.2 0", "10.1.0.1 1"])
        #expect(
            zone.plan().egressConfig()?.cluster("default:api_demo_svc_80")?.endpoints.map { "\($0.address) \($0.priority)" }
                == ["10.4.0.1 1"])
        zone.change(.meshes, "default") { $0.json.set(["spec", "routing", "zoneEgress"], to: false) }
        #expect(self.priorities(&zone) == ["10.3.0.2 0", "10.4.0.1 1"])
        #expect(zone.message(.meshes, "default", "Accepted").contains("not acted on") == false)

        // Local ones that are not ready are gone.
        zone.change(.pods, "api-0", in: "demo") { $0.json.set(["status", "conditions"], to: [["type": "Ready", "status": "False"]]) }
        #expect(self.priorities(&zone) == ["10.4.0.1 1"])
    }

    @Test("A direct call to an external service prefers what is of the own zone, or of none")
    func externalLocality() throws {
        var zone = try self.zone(zoneEgress: false, pods: 0)
        zone.change(.meshes, "default") { $0.json.set(["spec", "routing", "localityAwareLoadBalancing"], to: true) }
        for (name, tag) in [("east", ", kuma.io/zone: east"), ("here", ", kuma.io/zone: default")] {
            try zone.add(
                """
                apiVersion: kuma.io/v1alpha1
                kind: ExternalService
                mesh: default
                metadata: {name: httpbin-\(name)}
                spec: {tags: {kuma.io/service: httpbin\(tag)}, networking: {address: "\(name).test:80"}}
                """)
        }
        #expect(self.priorities(&zone, of: "default:httpbin") == ["httpbin.org 0", "east.test 1", "here.test 0"])
    }

    @Test("Of a route's parts each serves from its best priority, with its whole share")
    func localityOfParts() throws {
        var zone = try self.zone(zoneEgress: false, pods: 0)
        zone.change(.meshes, "default") { $0.json.set(["spec", "routing", "localityAwareLoadBalancing"], to: true) }
        try zone.add(
            Fixture.ingress(
                "n", zone: "north", address: "10.4.0.1", "{tags: {kuma.io/service: api_demo_svc_80}, instances: 3, mesh: default}")
                    + """
                    ---
                    apiVersion: kuma.io/v1alpha1
                    kind: TrafficRoute
                    mesh: default
                    metadata: {name: parts}
                    spec:
                      sources: [{match: {kuma.io/service: "*"}}]
                      destinations: [{match: {kuma.io/service: api_demo_svc_80}}]
                      conf:
                        split:
                        - {weight: 1, destination: {kuma.io/service: api_demo_svc_80}}
                        - {weight: 1, destination: {kuma.io/service: backend}}
                    """)
        let cluster = zone.settle().dataplaneConfig("web")?.cluster("split:default:api_demo_svc_80")
        // backend is in another zone alone, and one of both halves all the same.
        #expect(
            cluster?.endpoints.map { "\($0.address) \($0.priority) x\($0.weight)" } == ["10.3.0.2 0 x3", "10.4.0.1 1 x9", "10.2.0.1 0 x3"])
    }

    @Test("With the flag off egresses that are there are not used")
    func unusedEgress() throws {
        let table = try self.table(self.zone(zoneEgress: false, pods: 2))
        #expect(table.cluster("default:backend")?.addresses == ["10.2.0.1:10001x3"])
        #expect(table.cluster("default:httpbin")?.addresses == ["httpbin.org:80x1"])
    }

    @Test("Subsets go out under their own server name")
    func subset() throws {
        var zone = try self.zone()
        try zone.addWorkload("web", ip: "10.3.0.1", outbounds: "{port: 1, tags: {kuma.io/service: api_demo_svc_80, version: v2}}")
        try zone.addWorkload("api", ip: "10.3.0.2", tags: ", version: v2")
        let cluster = zone.settle().dataplaneConfig("web")?.cluster("default:api_demo_svc_80{version=v2}")
        #expect(cluster?.addresses == ["10.3.0.2:80x1"])
        #expect(
            cluster?.tls
                == .mesh(
                    mesh: "default", sni: "api_demo_svc_80{mesh=default,version=v2}", peer: "spiffe://default/api_demo_svc_80"))
    }

    @Test("A mesh without mTLS is plain")
    func plain() throws {
        var zone = try TestZone()
        try zone.add("{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: default}, spec: {}}")
        try zone.add(Fixture.httpbin)
        try zone.addWorkload("web", ip: "10.3.0.1", outbounds: Self.outbounds)
        try zone.addWorkload("api", ip: "10.3.0.2")
        let table = try self.table(zone)
        #expect(table.identities.isEmpty && table.trust.isEmpty)
        #expect(table.clusters.allSatisfy { $0.tls == .none })
        #expect(table.cluster("default:httpbin")?.addresses == ["httpbin.org:80x1"])
        for listener in table.listeners {
            guard case .outbound(_, .passthrough) = listener.kind else {
                Issue.record("\(listener)")
                continue
            }
        }
    }

    @Test("Mesh TLS ends at an inbound whose workload listens somewhere else")
    func inbound() throws {
        var zone = try TestZone()
        try zone.addMesh()
        try zone.add(Fixture.allowAll)
        try zone.addWorkload("web", ip: "10.3.0.1", inbound: ", servicePort: 8080")
        let table = try self.table(zone)
        #expect(table.listeners.map { "\($0.address):\($0.port)" } == ["10.3.0.1:80"])
        #expect(table.cluster("inbound:80")?.addresses == ["127.0.0.1:8080x1"])
        #expect(table.callers(of: "*") == CallerRules(allow: ["spiffe://default/*"]))
    }

    @Test("A permissive mesh takes what is not of the mesh as well")
    func permissiveInbound() throws {
        var zone = try TestZone()
        try zone.addMesh()
        try zone.add(Fixture.allowAll)
        zone.change(.meshes, "default") {
            $0.json.set(["spec", "mtls", "backends"], to: [["name": "ca-1", "type": "builtin", "mode": "PERMISSIVE"]])
        }
        try zone.addWorkload("web", ip: "10.3.0.1", inbound: ", servicePort: 8080")
        let table = try self.table(zone)
        #expect(
            table.listeners.map(\.kind) == [
                .permissive(
                    routes: [
                        Route(
                            sni: ["*"],
                            action: .terminate(
                                mesh: "default", callers: CallerRules(allow: ["spiffe://default/*"]), cluster: "inbound:80"),
                            origin: "Dataplane/web-0")
                    ], other: .passthrough(cluster: "inbound:80"))
            ])
        #expect(table.cluster("inbound:80")?.addresses == ["127.0.0.1:8080x1"])
        #expect(zone.message(.meshes, "default", "Accepted").contains("not acted on") == false)
    }

    @Test("Workloads of a permissive mesh are called in plain text until their proxies have said that they have a certificate")
    func switchingOn() throws {
        var zone = try self.zone()
        zone.change(.dataplanes, "api-0", in: "demo") {
            $0.json.set(
                ["spec", "networking", "inbound"], to: [["port": 80, "servicePort": 8080, "tags": ["kuma.io/service": "api_demo_svc_80"]]])
        }
        /// What is spoken to the service `api` and, to tell apart, to one that lies behind the egress.
        func spoken() throws -> [UpstreamTLS?] {
            let table = try self.table(zone)
            #expect(
                table.listeners.last?.kind
                    == .outbound(
                        service: "api_demo_svc_80", action: .originate(mesh: "default", cluster: "default:api_demo_svc_80")))
            return try ["default:api_demo_svc_80", "default:backend"].map { try #require(table.cluster($0)?.endpoints.first).tls }
        }
        func say(_ name: String, certificate issuer: String?) {
            zone.observed.acknowledgements[ProxyID(.dataplane, "\(name)-0.demo")] = Acknowledgement(
                hash: "h", authorities: ["default": AuthorityKeys(issuer: issuer, trusted: ["a"])])
        }
        func setMode(_ mode: String) {
            zone.change(.meshes, "default") {
                $0.json.set(["spec", "mtls", "backends"], to: [["name": "ca-1", "type": "builtin", "mode": .string(mode)]])
            }
        }
        setMode("PERMISSIVE")
        // Nobody has said anything, as after a restart of the control plane.
        #expect(try spoken() == [nil, nil])
        say("api", certificate: nil)
        #expect(try spoken() == [UpstreamTLS.none, nil])
        say("api", certificate: "a")
        #expect(try spoken() == [nil, nil])
        setMode("STRICT")
        #expect(try spoken() == [nil, nil])
        // The authority of a mesh that has just become permissive is still to be made; then one is lost that was there.
        let trust = zone.observed.trust
        zone.observed.trust = [:]
        #expect(try self.table(zone).listeners.isEmpty)
        setMode("PERMISSIVE")
        #expect(try self.table(zone).listeners.map(\.port) == [1001, 1002, 1003] && spoken() == [nil, nil])
        say("api", certificate: nil)
        #expect(try spoken() == [UpstreamTLS.none, nil])
        say("web", certificate: "a")
        #expect(try self.table(zone).listeners.isEmpty)
        zone.observed.trust = trust
        // What its proxy cannot stand in front of never takes mesh TLS.
        zone.change(.dataplanes, "api-0", in: "demo") {
            $0.json.set(["spec", "networking", "inbound"], to: [["port": 80, "tags": ["kuma.io/service": "api_demo_svc_80"]]])
        }
        #expect(try spoken() == [UpstreamTLS.none, nil])
    }

    @Test("Two services at one port share a listener, and each has callers of its own")
    func sharedPort() throws {
        var zone = try TestZone()
        try zone.addMesh()
        try zone.addWorkload("web", ip: "10.3.0.1", tags: ", version: v1", inbound: ", servicePort: 8080")
        try zone.add(
            """
            apiVersion: v1
            kind: Service
            metadata: {name: web-headless, namespace: demo}
            spec: {selector: {app: web}, ports: [{port: 80}]}
            ---
            apiVersion: kuma.io/v1alpha1
            kind: MeshTrafficPermission
            metadata: {name: headless, namespace: kuma-system, labels: {kuma.io/mesh: default}}
            spec:
              targetRef: {kind: MeshService, name: web-headless_demo_svc_80}
              from: [{targetRef: {kind: MeshService, name: peer}, default: {action: Allow}}]
            """)
        zone.change(.dataplanes, "web-0", in: "demo") { dataplane in
            var inbounds = dataplane.spec.at("networking", "inbound")?.array ?? []
            inbounds.append(["port": 80, "servicePort": 8080, "tags": ["kuma.io/service": "web-headless_demo_svc_80"]])
            dataplane.json.set(["spec", "networking", "inbound"], to: .array(inbounds))
        }
        let table = try self.table(zone)
        #expect(table.listeners.map(\.name) == ["inbound:80"])
        #expect(CompiledConfig(table).errors.isEmpty)
        #expect(table.callers(of: "web_demo_svc_80{mesh=default}") == CallerRules())
        #expect(table.callers(of: "web_demo_svc_80{mesh=default,version=v1}") == CallerRules())
        #expect(table.callers(of: "web-headless_demo_svc_80{mesh=default}") == CallerRules(allow: ["spiffe://default/peer"]))
        #expect(table.callers(of: "*") == CallerRules())
    }

    @Test("An inbound of a mesh without mTLS relays to the workload as it is")
    func plainInbound() throws {
        var zone = try TestZone()
        try zone.add("{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: default}, spec: {}}")
        try zone.addWorkload("web", ip: "10.3.0.1", inbound: ", servicePort: 8080")
        let table = try self.table(zone)
        #expect(table.listeners.map { "\($0.address):\($0.port)" } == ["10.3.0.1:80"])
        #expect(table.listeners.map(\.kind) == [.outbound(service: "web_demo_svc_80", action: .passthrough(cluster: "inbound:80"))])
        #expect(table.cluster("inbound:80")?.addresses == ["127.0.0.1:8080x1"])
    }

    @Test("In a pod an inbound is served where something is said of its workload, unless that is where the proxy would be")
    func unservedInbound() throws {
        for (inbound, served) in [
            ("", 0), (", servicePort: 80", 1), (", serviceAddress: 10.3.0.1", 0), (", serviceAddress: 10.3.0.1, servicePort: 8080", 1),
        ] {
            var zone = try TestZone()
            try zone.addMesh()
            try zone.addWorkload("web", ip: "10.3.0.1", inbound: inbound)
            #expect(try self.table(zone).listeners.count == served, "\(inbound)")
            zone.settle()
            let message = zone.message(.dataplanes, "web-0", "Accepted", in: "demo")
            #expect(message.contains("The proxy does not listen at inbound 80, because servicePort") == inbound.isEmpty, "\(message)")
        }
    }

    @Test("A pod has the identity of services that select it, and no other")
    func claims() throws {
        var zone = try TestZone()
        try zone.addMesh()
        for (index, change) in ["web_demo_svc_80", "web", "zone-egress", "api_demo_svc_80", "web_other_svc_80", "web_demo_svc_81"]
            .enumerated()
        {
            try zone.addWorkload("web", ip: "10.3.0.1")
            try zone.addWorkload("api", ip: "10.3.0.2")
            zone.change(.dataplanes, "web-0", in: "demo") { dataplane in
                dataplane.json.set(["spec", "networking", "inbound"], to: [["port": 80, "tags": ["kuma.io/service": .string(change)]]])
            }
            let plan = zone.settle()
            if index == 0 {
                #expect(plan.dataplaneConfig("web")?.identities.map(\.spiffeID) == ["spiffe://default/web_demo_svc_80"])
            } else {
                #expect(plan.dataplaneConfig("web") == nil, "\(change)")
                #expect(zone.condition(.dataplanes, "web-0", "Accepted", in: "demo") == "False PermissionDenied", "\(change)")
            }
        }
    }

    @Test("A certificate names the service, where it runs, and of other tags those that the pod's labels vouch for")
    func names() throws {
        var zone = try TestZone()
        try zone.addMesh()
        try zone.addWorkload(
            "web", ip: "10.3.0.1", tags: ", version: v1, team: payments, kuma.io/protocol: http, k8s.kuma.io/namespace: payments",
            inbound: ", servicePort: 8080")
        zone.change(.pods, "web-0", in: "demo") { $0.metadata.labels["version"] = "v1" }
        #expect(
            zone.settle().dataplaneConfig("web")?.identities.map(\.names) == [
                [
                    "spiffe://default/web_demo_svc_80", "kuma://k8s.kuma.io/namespace/demo", "kuma://k8s.kuma.io/service-name/web",
                    "kuma://k8s.kuma.io/service-port/80", "kuma://kuma.io/protocol/http", "kuma://kuma.io/service/web_demo_svc_80",
                    "kuma://kuma.io/zone/default", "kuma://version/v1",
                ]
            ])
        #expect(
            zone.message(.dataplanes, "web-0", "Accepted", in: "demo")
                == "The spec is valid. Its certificate does not name k8s.kuma.io/namespace=payments, team=payments, because the pod has no such label."
        )
    }

    @Test("Without pod or mesh there is nothing to serve, and the dataplane says so")
    func missing() throws {
        var zone = try TestZone()
        try zone.addMesh()
        try zone.addWorkload("web", ip: "10.3.0.1")
        try zone.addWorkload("lost", ip: "10.3.0.2", mesh: "nowhere")
        zone.remove(.pods, ObjectKey(namespace: "demo", name: "web-0"))
        let plan = zone.settle()
        #expect(plan.configs.keys.filter { $0.kind == .dataplane }.isEmpty)
        #expect(zone.condition(.dataplanes, "web-0", in: "demo") == "False PodNotFound")
        #expect(zone.condition(.dataplanes, "lost-0", in: "demo") == "False MeshNotFound")
    }

    @Test("Of two outbounds on one port the first is served and the other named")
    func duplicates() throws {
        var zone = try self.zone()
        try zone.addWorkload(
            "web", ip: "10.3.0.1", outbounds: "{port: 1, tags: {kuma.io/service: httpbin}}, {port: 1, tags: {kuma.io/service: backend}}")
        let table = try #require(zone.settle().dataplaneConfig("web"))
        #expect(table.listeners.map(\.name) == ["outbound:127.0.0.1:1"])
        #expect(zone.condition(.dataplanes, "web-0", in: "demo") == "False Conflict")
    }
}
