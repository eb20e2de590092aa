import JSONModel
import KubeAPI
import MeshModel
import Planning
import Routing
import TestKit
import Testing

@Suite("The ingress the control plane runs")
struct IngressLifecycleTests {
    private func zone(type: String = "LoadBalancer") throws -> TestZone {
        var zone = try TestZone(egressEnabled: false, zone: "east")
        zone.observed.settings.ingress.isEnabled = true
        zone.observed.settings.ingress.service.type = type
        zone.settle()
        try zone.addPod(.ingress, 1, of: "ingress")
        zone.settle()
        return zone
    }

    private func advertised(_ zone: TestZone) -> String? {
        let networking = zone.object(.zoneIngresses, "ingress")?.spec["networking"]
        return networking?["advertisedAddress"]?.string.map { "\($0):\(networking?["advertisedPort"]?.int ?? 0)" }
    }

    @Test("Children of the default ingress, golden")
    func children() throws {
        let zone = try self.zone()
        let children = [ResourceType.serviceAccounts, .services, .deployments].compactMap { type -> JSON? in
            guard var child = zone.object(type, "egret-ingress") else { return nil }
            child.metadata.annotations = child.metadata.annotations.filter { $0.key != "kuma.io/egret-applied" }
            return child.json
        }
        #expect(children.count == 3)
        expectGolden(JSON.array(children).prettyText + "\n", "ingress-children.json")
    }

    @Test("A load balancer's host name or address is where other zones reach it; until it has one a condition says what to do")
    func loadBalancer() throws {
        var zone = try self.zone()
        #expect(zone.condition(.zoneIngresses, "ingress") == "False NotAdvertised")
        #expect(zone.message(.zoneIngresses, "ingress").contains("kubectl get service egret-ingress -n kuma-system"))
        #expect(self.advertised(zone) == nil)
        zone.change(.services, "egret-ingress") { $0.json.set(["status"], to: ["loadBalancer": ["ingress": [["ip": "203.0.113.1"]]]]) }
        zone.settle()
        #expect(self.advertised(zone) == "203.0.113.1:10001")
        #expect(zone.condition(.zoneIngresses, "ingress") == "True Ready")
        zone.change(.services, "egret-ingress") {
            $0.json.set(["status"], to: ["loadBalancer": ["ingress": [["hostname": "lb.example.com"]]]])
        }
        zone.settle()
        #expect(self.advertised(zone) == "lb.example.com:10001")
        // The load balancer goes: so does what it said.
        zone.change(.services, "egret-ingress") { $0.json.set(["status"], to: ["loadBalancer": [:]]) }
        zone.settle()
        #expect(self.advertised(zone) == nil && zone.condition(.zoneIngresses, "ingress") == "False NotAdvertised")
    }

    @Test("A node port is reached at the node of a ready pod, and stays there while it can")
    func nodePort() throws {
        var zone = try self.zone(type: "NodePort")
        #expect(zone.message(.zoneIngresses, "ingress").contains("no node port yet"))
        zone.change(.services, "egret-ingress") {
            $0.json.set(
                ["spec", "ports"], to: [["name": "ingress", "port": 10001, "targetPort": "ingress", "protocol": "TCP", "nodePort": 30001]])
        }
        zone.settle()
        #expect(self.advertised(zone) == "192.168.1.1:30001")
        zone.remove(.pods, ObjectKey(namespace: "kuma-system", name: "egret-ingress-abc-1"))
        try zone.addPod(.ingress, 3, of: "ingress")
        zone.settle()
        #expect(self.advertised(zone) == "192.168.1.3:30001")
        try zone.addPod(.ingress, 2, of: "ingress")
        zone.settle()
        #expect(self.advertised(zone) == "192.168.1.3:30001")
    }

    @Test("A Service that other zones cannot reach needs annotations, both of them and sensible")
    func annotations() throws {
        var zone = try self.zone(type: "ClusterIP")
        #expect(zone.condition(.zoneIngresses, "ingress") == "False NotAdvertised")
        #expect(zone.message(.zoneIngresses, "ingress").contains("kuma.ingress.service.type=LoadBalancer"))
        zone.change(.zoneIngresses, "ingress") { $0.metadata.annotations["kuma.io/ingress-public-address"] = "zone.example.com" }
        zone.settle()
        #expect(zone.message(.zoneIngresses, "ingress").contains("only one is set"))
        for nonsense in ["0", "65536", "-1", "http", ""] {
            zone.change(.zoneIngresses, "ingress") { $0.metadata.annotations["kuma.io/ingress-public-port"] = nonsense }
            zone.settle()
            #expect(zone.message(.zoneIngresses, "ingress").contains("no address with a port"), "\(nonsense)")
        }
        zone.change(.zoneIngresses, "ingress") { $0.metadata.annotations["kuma.io/ingress-public-port"] = "443" }
        zone.settle()
        #expect(self.advertised(zone) == "zone.example.com:443" && zone.condition(.zoneIngresses, "ingress") == "True Ready")
    }

    @Test("Annotations of pods, which Kuma's chart has, count as well")
    func podAnnotations() throws {
        var zone = try self.zone(type: "ClusterIP")
        zone.observed.settings.ingress.podAnnotations = [
            "kuma.io/ingress-public-address": "10.9.0.1", "kuma.io/ingress-public-port": "1000",
        ]
        zone.settle()
        #expect(self.advertised(zone) == "10.9.0.1:1000")
    }

    @Test("What a person wrote into the spec counts more than what is found")
    func given() throws {
        var zone = try self.zone()
        zone.change(.services, "egret-ingress") { $0.json.set(["status"], to: ["loadBalancer": ["ingress": [["ip": "203.0.113.1"]]]]) }
        zone.change(.zoneIngresses, "ingress") {
            $0.json.set(["spec", "networking"], to: ["advertisedAddress": "a.example", "advertisedPort": 1])
        }
        zone.settle()
        #expect(self.advertised(zone) == "a.example:1" && zone.condition(.zoneIngresses, "ingress") == "True Ready")
    }

    @Test("Disabling deletes the default ingress with its children, and leaves a user's without")
    func disabling() throws {
        var zone = try self.zone()
        try zone.add("{apiVersion: kuma.io/v1alpha1, kind: ZoneIngress, metadata: {name: edge}, spec: {}}")
        zone.settle()
        #expect(zone.observed.objects.sorted(.deployments).map(\.name) == ["egret-edge", "egret-ingress"])
        zone.observed.settings.ingress.isEnabled = false
        zone.settle()
        #expect(zone.observed.objects.sorted(.zoneIngresses).map(\.name) == ["edge"])
        #expect(zone.observed.objects.sorted(.deployments).isEmpty && zone.observed.objects.sorted(.services).isEmpty)
        #expect(zone.condition(.zoneIngresses, "edge") == "False IngressDisabled")
        #expect(zone.message(.zoneIngresses, "edge").contains("kuma.ingress.enabled=true"))
    }

    @Test("An egress and an ingress of one name want the same children: the second says so")
    func sameName() throws {
        var zone = try TestZone(zone: "east")
        zone.observed.settings.ingress.isEnabled = true
        try zone.add(
            """
            {apiVersion: kuma.io/v1alpha1, kind: ZoneEgress, metadata: {name: edge}, spec: {}}
            ---
            {apiVersion: kuma.io/v1alpha1, kind: ZoneIngress, metadata: {name: edge}, spec: {}}
            """)
        zone.settle()
        #expect(zone.condition(.zoneEgresses, "edge") == "False DeploymentProgressing")
        #expect(zone.condition(.zoneIngresses, "edge") == "False Conflict")
    }

    @Test("kubectl scale is obeyed")
    func scaling() throws {
        var zone = try self.zone()
        zone.change(.zoneIngresses, "ingress") { $0.json.set(["spec", "deployment", "replicas"], to: 0) }
        zone.settle()
        #expect(zone.object(.deployments, "egret-ingress")?.spec["replicas"] == 0)
        #expect(zone.message(.zoneIngresses, "ingress").contains("kubectl scale zoneingress/ingress -n kuma-system --replicas=1"))
    }

    @Test("An ingress elsewhere is offline until it is connected, and has to say where other zones reach it")
    func elsewhere() throws {
        var zone = try TestZone(egressEnabled: false, zone: "east")
        try zone.add(
            "{apiVersion: kuma.io/v1alpha1, kind: ZoneIngress, metadata: {name: vm}, spec: {networking: {address: 192.168.0.1, port: 10001}}}"
        )
        zone.settle()
        #expect(zone.condition(.zoneIngresses, "vm") == "False Offline")
        zone.observed.online = [ProxyID(.ingress, "vm")]
        zone.settle()
        #expect(zone.condition(.zoneIngresses, "vm") == "False NotAdvertised")
        zone.change(.zoneIngresses, "vm") { ingress in
            ingress.json.set(["spec", "networking", "advertisedAddress"], to: "203.0.113.1")
            ingress.json.set(["spec", "networking", "advertisedPort"], to: 443)
        }
        zone.settle()
        #expect(zone.condition(.zoneIngresses, "vm") == "True Ready")
        #expect(zone.message(.zoneIngresses, "vm").contains("203.0.113.1:443"))
    }

    @Test("Only pods of our own Deployment are the ingress")
    func impostors() throws {
        var zone = try self.zone()
        zone.remove(.pods, ObjectKey(namespace: "kuma-system", name: "egret-ingress-abc-1"))
        try zone.addPod(.ingress, 1, of: "ingress")
        zone.change(.pods, "egret-ingress-abc-1") { $0.metadata.ownerReferences = [] }
        #expect(zone.settle().configs.isEmpty)
    }
}
