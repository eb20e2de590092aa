import JSONModel
import KubeAPI
import MeshModel
import Planning
import Routing
import TestKit
import Testing

/// Dataplanes that are made of pods.
@Suite("Dataplanes of pods")
struct PodDataplaneTests {
    private static let key = ObjectKey(namespace: "demo", name: "web-0")

    private static func pod(ip: String = "10.3.0.1", annotations: String = "", ready: Bool = true) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: web-0
          namespace: demo
          uid: pod-uid
          labels: {app: web, version: v1, pod-template-hash: abc, empty: "", kuma.io/mesh: default}
          annotations: {kuma.io/sidecar-injected: "true"\(annotations)}
        spec: {containers: [{name: web, ports: [{name: http, containerPort: 8080}, {name: dns, containerPort: 53, protocol: UDP}]}]}
        status: {phase: Running, podIP: "\(ip)", conditions: [{type: Ready, status: "\(ready ? "True" : "False")"}]}

        """
    }

    private static func service(_ name: String, _ ports: String, selector: String = "{app: web}", more: String = "") -> String {
        """
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: \(name), namespace: demo\(more)}
        spec: {selector: \(selector), ports: [\(ports)]}

        """
    }

    private static let services =
        Self.service(
            "web",
            "{name: http, port: 80, targetPort: http, appProtocol: http}, {name: raw, port: 9000}, {name: dns, port: 53, protocol: UDP}",
            more: #", annotations: {9000.service.kuma.io/protocol: grpc}"#)
        + Self.service("other", "{port: 80}", selector: "{app: other}") + Self.service("lost", "{port: 81, targetPort: nowhere}")

    private func zone(_ pod: String = Self.pod(), services: String = Self.services) throws -> TestZone {
        var zone = try TestZone()
        try zone.addMesh()
        try zone.add(pod + services)
        return zone
    }

    private func spec(_ zone: TestZone) -> JSON? { zone.observed.objects[.dataplanes, Self.key]?.spec.at("networking") }

    @Test("A pod with the annotation gets a Dataplane of its Services and annotations, golden")
    func made() throws {
        let outbounds = "10080=httpbin 127.0.0.2:10081=backend{version=v2}\\n10082=extsvc/api:443 [::1]:10083=extsvc/api"
        var zone = try self.zone(
            Self.pod(annotations: #", egret.io/outbounds: "\#(outbounds)", egret.io/workloads: "9000=9001 8080=10.0.0.9:80""#))
        let plan = zone.plan()
        #expect(plan.applies.filter { $0.type == .dataplanes }.map(\.why) == ["Pod demo/web-0 has the annotation kuma.io/sidecar-injected"])
        // Its proxy need not wait until it is written.
        #expect(plan.dataplaneConfig("web")?.identities.map(\.spiffeID) == ["spiffe://default/web_demo_svc_80"])
        #expect(plan.statuses.filter { $0.type == .dataplanes }.isEmpty)
        zone.settle()
        let made = try #require(plan.applies.first { $0.type == .dataplanes })
        expectGolden(made.object.json.prettyText + "\n", "dataplane-of-pod.json")
        #expect(zone.condition(.dataplanes, "web-0", "Accepted", in: "demo") == "True Accepted")
    }

    @Test("Its inbounds are served, and endpoints while the pod is ready")
    func endpoints() throws {
        var zone = try self.zone()
        try zone.addWorkload("client", ip: "10.3.0.2", outbounds: "{port: 1, tags: {kuma.io/service: web_demo_svc_80, version: v1}}")
        let plan = zone.settle()
        #expect(plan.dataplaneConfig("web")?.listeners.map { "\($0.address):\($0.port)" } == ["10.3.0.1:8080", "10.3.0.1:9000"])
        #expect(plan.dataplaneConfig("web")?.cluster("inbound:8080")?.addresses == ["127.0.0.1:8080x1"])
        func endpoints() -> [String]? {
            zone.plan().dataplaneConfig("client")?.cluster("default:web_demo_svc_80{version=v1}")?.addresses
        }
        #expect(endpoints() == ["10.3.0.1:8080x1"])
        try zone.add(Self.pod(ready: false))
        #expect(endpoints() == [])
    }

    @Test("A new address changes it; without one, without the annotation or once the pod has ended it goes")
    func changes() throws {
        var zone = try self.zone()
        zone.settle()
        try zone.add(Self.pod(ip: "10.3.0.7"))
        let plan = zone.plan()
        #expect(plan.applies.map(\.why) == ["Pod demo/web-0, its annotations or its Services changed"])
        #expect(plan.dataplaneConfig("web")?.listeners.first?.address == "10.3.0.7")
        zone.settle()
        #expect(self.spec(zone)?["address"] == "10.3.0.7")

        try zone.add(Self.pod(ip: ""))
        #expect(zone.plan().deletes.map(\.why) == ["Pod demo/web-0 has no address"])
        zone.settle()
        #expect(self.spec(zone) == nil)

        for (why, change) in [
            ("has no annotation kuma.io/sidecar-injected any more", { $0.metadata.annotations = ["kuma.io/sidecar-injected": "false"] }),
            ("has ended", { $0.json.set(["status", "phase"], to: "Succeeded") }),
        ] as [(String, (inout KubeObject) -> Void)] {
            try zone.add(Self.pod())
            zone.settle()
            #expect(self.spec(zone) != nil)
            zone.change(.pods, "web-0", in: "demo", change)
            let plan = zone.plan()
            #expect(plan.deletes.map(\.why) == ["Pod demo/web-0 \(why)"])
            #expect(plan.dataplaneConfig("web") == nil)
            zone.settle()
            #expect(self.spec(zone) == nil)
        }
    }

    @Test("A pod on its way out keeps the Dataplane it has and gets no other")
    func terminating() throws {
        var zone = try self.zone()
        func end() {
            zone.change(.pods, "web-0", in: "demo") { $0.json.set(["metadata", "deletionTimestamp"], to: "2026-01-01T00:00:00Z") }
        }
        end()
        #expect(zone.settle().dataplaneConfig("web") == nil && self.spec(zone) == nil)
        try zone.add(Self.pod())
        zone.settle()
        end()
        let plan = zone.settle()
        #expect(plan.dataplaneConfig("web")?.listeners.count == 2)
        #expect(self.spec(zone) != nil)
    }

    @Test("A Dataplane that a person made is never touched")
    func handMade() throws {
        var zone = try self.zone()
        try zone.addWorkload("web", ip: "10.3.0.1")
        zone.change(.pods, "web-0", in: "demo") { $0.metadata.annotations = ["kuma.io/sidecar-injected": "true"] }
        let before = self.spec(zone)
        #expect(zone.plan().applies.filter { $0.type == .dataplanes }.isEmpty)
        zone.settle()
        #expect(self.spec(zone) == before)
        zone.remove(.dataplanes, Self.key)
        zone.settle()
        #expect(self.spec(zone) != before)
    }

    @Test("What somebody changes of it is put back, and one of an earlier pod goes first")
    func repaired() throws {
        var zone = try self.zone()
        zone.settle()
        let made = self.spec(zone)
        zone.change(.dataplanes, "web-0", in: "demo") { $0.json.set(["spec", "networking", "address"], to: "10.9.9.9") }
        #expect(
            zone.plan().applies.map(\.why) == [
                "somebody changed spec.networking.address of it; restoring what Pod demo/web-0 and its Services say"
            ])
        zone.settle()
        #expect(self.spec(zone) == made)
        zone.change(.pods, "web-0", in: "demo") { $0.metadata.uid = "another" }
        #expect(zone.plan().deletes.map(\.why) == ["it was made of an earlier pod of this name"])
        zone.settle()
        #expect(zone.object(.dataplanes, "web-0", in: "demo")?.metadata.controller?.uid == "another")
    }

    @Test("A pod has a Dataplane for as long as a Service selects it")
    func noService() throws {
        var zone = try self.zone(services: Self.service("other", "{port: 80}", selector: "{app: other}"))
        #expect(zone.settle().dataplaneConfig("web") == nil && self.spec(zone) == nil)
        try zone.add(Self.services)
        #expect(zone.settle().dataplaneConfig("web")?.identities.count == 1)
        for name in ["web", "lost"] { zone.remove(.services, ObjectKey(namespace: "demo", name: name)) }
        let plan = zone.plan()
        #expect(plan.deletes.map(\.why) == ["no Service with a TCP port selects Pod demo/web-0"])
        #expect(plan.dataplaneConfig("web") == nil)
    }

    @Test(
        "What is wrong in an annotation is named, and the rest counts",
        arguments: [
            (#"egret.io/outbounds: "10080=httpbin,10081=x""#, #"outbounds of Pod demo/web-0: "10080=httpbin,10081=x" names no service"#),
            (#"egret.io/outbounds: "httpbin""#, #""httpbin" does not begin with PORT= or ADDRESS:PORT=."#),
            (#"egret.io/outbounds: "0=httpbin""#, #""0=httpbin" does not begin"#),
            (#"egret.io/outbounds: "70000=httpbin""#, #""70000=httpbin" does not begin"#),
            (#"egret.io/outbounds: "localhost:80=httpbin""#, #""localhost:80=httpbin" does not begin"#),
            (#"egret.io/outbounds: "80=""#, #""80=" names no service"#), (#"egret.io/outbounds: "80=a{b""#, #""80=a{b" names no service"#),
            (#"egret.io/outbounds: "80=extsvc/""#, #""80=extsvc/" names no service"#),
            (#"egret.io/outbounds: "80=extsvc/a:b""#, #""80=extsvc/a:b" names no service"#),
            (#"egret.io/outbounds: "80=a{b=ü}""#, #""80=a{b=ü}" names no service"#),
            (#"egret.io/outbounds: "0.0.0.0:80=a""#, #""0.0.0.0:80=a" does not begin"#),
            (#"egret.io/workloads: "8080=0.0.0.0:80""#, #""8080=0.0.0.0:80" is not of the form"#),
            (#"egret.io/workloads: "8080""#, #"workloads of Pod demo/web-0: "8080" does not begin"#),
            (#"egret.io/workloads: "8080=web""#, #""8080=web" is not of the form PORT=PORT or PORT=ADDRESS:PORT."#),
            (#"egret.io/workloads: "10.0.0.1:8080=80""#, #""10.0.0.1:8080=80" is not of the form"#),
        ])
    func nonsense(annotation: String, problem: String) throws {
        var zone = try self.zone(Self.pod(annotations: ", \(annotation)"))
        #expect(zone.settle().dataplaneConfig("web")?.listeners.count == 2)
        #expect(zone.condition(.dataplanes, "web-0", in: "demo") == "False InvalidSpec")
        let message = zone.message(.dataplanes, "web-0", in: "demo")
        #expect(message.contains(problem), "\(message)")
        #expect(message.hasSuffix("Next: correct it."))
    }

    @Test("A listener that the proxy cannot bind is named on its Dataplane")
    func rejected() throws {
        var zone = try self.zone()
        zone.settle()
        zone.observed.acknowledgements[ProxyID(.dataplane, "web-0.demo")] = Acknowledgement(
            hash: "x", errors: [ItemError(item: "listener inbound:8080", message: "Cannot bind 10.3.0.1:8080: Address already in use")])
        zone.settle()
        #expect(zone.condition(.dataplanes, "web-0", in: "demo") == "False ConfigRejected")
        #expect(
            zone.message(.dataplanes, "web-0", in: "demo")
                == "The proxy cannot use listener inbound:8080: Cannot bind 10.3.0.1:8080: Address already in use.")
    }

    @Test("What is remembered of them from plan to plan changes no plan")
    func memory() throws {
        var zone = try self.zone()
        let memory = PlanMemory()
        func compare(_ what: Comment) {
            let fresh = Planner.plan(zone.observed)
            var observed = zone.observed
            observed.memory = memory
            for _ in 0..<2 {
                let plan = Planner.plan(observed)
                #expect(plan.applies == fresh.applies && plan.deletes == fresh.deletes, what)
                #expect(plan.configs == fresh.configs && plan.statuses == fresh.statuses, what)
            }
            zone.settle()
        }
        compare("nothing is written yet")
        compare("it is written")
        try zone.add(Self.pod(ip: "10.3.0.9", annotations: #", egret.io/outbounds: "1=api""#))
        compare("another pod")
        zone.change(.services, "web", in: "demo") { $0.json.set(["spec", "ports"], to: [["port": 81]]) }
        compare("another Service")
        zone.observed.settings.zone = "west"
        compare("another zone")
        try zone.add(
            Self.pod(annotations: #", kuma.io/sidecar-injected: "no""#).replacing(#""true", kuma.io/sidecar-injected: "#, with: ""))
        compare("none is asked for")
    }
}
