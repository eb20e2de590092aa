import JSONModel
import KubeAPI
import Planning
import Routing
import TestKit
import Testing

@Suite("The egress the control plane runs")
struct EgressLifecycleTests {
    @Test("Enabling makes the default ZoneEgress, owned by the control plane")
    func enabling() throws {
        let plan = try TestZone().plan()
        let apply = try #require(plan.applies.first)
        #expect(plan.applies.count == 1)
        #expect(apply.object.displayName == "ZoneEgress/kuma-system/egress")
        #expect(apply.object.metadata.controller?.name == "egret-control-plane")
        #expect(apply.why.contains("kuma.egress.enabled: true"))
    }

    @Test("Children of the default egress, golden")
    func children() throws {
        var zone = try TestZone()
        zone.settle()
        let children = [ResourceType.serviceAccounts, .services, .deployments].compactMap { type -> JSON? in
            guard var child = zone.object(type, "egret-egress") else { return nil }
            child.metadata.annotations = child.metadata.annotations.filter { $0.key != "kuma.io/egret-applied" }
            return child.json
        }
        #expect(children.count == 3)
        expectGolden(JSON.array(children).prettyText + "\n", "children.json")
    }

    @Test("What is as wanted is not written again")
    func rest() throws {
        var zone = try TestZone()
        zone.settle()
        try zone.addEgressPod(1)
        let plan = zone.settle()
        #expect(plan.configs.count == 1)
        #expect(zone.condition(.zoneEgresses, "egress") == "True Ready")
        #expect(zone.object(.zoneEgresses, "egress")?.spec["zone"] == "default")
        #expect(zone.object(.zoneEgresses, "egress")?.status["ready"] == "1/1")
        #expect(zone.object(.zoneEgresses, "egress")?.status["endpoint"] == "egret-egress.kuma-system.svc:10002")
        #expect(zone.object(.zoneEgresses, "egress")?.status["version"] == "0.1.0")
    }

    @Test("Hand edits and deletions of children are repaired, and the reason says so")
    func repair() throws {
        var zone = try TestZone()
        zone.settle()
        zone.change(.deployments, "egret-egress") { $0.json.set(["spec", "replicas"], to: 5) }
        let edited = try #require(zone.plan().applies.first)
        #expect(edited.why == "somebody changed spec.replicas of it; restoring what ZoneEgress egress asks for")
        zone.settle()
        zone.remove(.services, ObjectKey(namespace: "kuma-system", name: "egret-egress"))
        #expect(zone.plan().applies.map(\.change) == [.create])
        zone.settle()
        #expect(zone.object(.services, "egret-egress") != nil)
    }

    @Test("A field that is no longer asked for goes, too")
    func withdrawnWish() throws {
        var zone = try TestZone()
        zone.observed.settings.egress.podAnnotations = ["team": "a"]
        zone.settle()
        zone.observed.settings.egress.podAnnotations = [:]
        let apply = try #require(zone.plan().applies.first)
        #expect(apply.object.spec.at("template", "metadata", "annotations") == nil)
    }

    @Test("What the API server writes differently is no difference")
    func canonicalForms() throws {
        var zone = try TestZone()
        zone.settle()
        zone.change(.deployments, "egret-egress") { deployment in
            var container = deployment.spec.at("template", "spec", "containers")?[0] ?? .null
            container.set(["resources", "limits", "cpu"], to: "1")
            container.set(["terminationMessagePath"], to: "/dev/termination-log")
            deployment.json.set(["spec", "template", "spec", "containers"], to: [container])
            deployment.json.set(["spec", "progressDeadlineSeconds"], to: 600)
        }
        #expect(zone.plan().applies.isEmpty)
    }

    @Test("kubectl scale is obeyed, and 0 says that traffic fails closed")
    func scaling() throws {
        var zone = try TestZone()
        try zone.addMesh()
        zone.settle()
        try zone.addEgressPod(1)
        zone.settle()
        #expect(zone.condition(.meshes, "default") == "True Ready")

        zone.change(.zoneEgresses, "egress") { $0.json.set(["spec", "deployment", "replicas"], to: 0) }
        zone.remove(.pods, ObjectKey(namespace: "kuma-system", name: "egret-egress-abc-1"))
        zone.settle()
        #expect(zone.object(.deployments, "egret-egress")?.spec["replicas"] == 0)
        #expect(zone.condition(.zoneEgresses, "egress") == "False NoReadyEndpoints")
        let message = zone.message(.zoneEgresses, "egress")
        #expect(message.contains("replicas is 0") && message.contains("mesh default") && message.contains("closed, never around"))
        #expect(message.contains("kubectl scale zoneegress/egress -n kuma-system --replicas=1"))
        #expect(zone.condition(.meshes, "default") == "False NoReadyEndpoints")
        #expect(zone.message(.meshes, "default").contains("scaled to 0"))

        zone.change(.zoneEgresses, "egress") { $0.json.set(["spec", "deployment", "replicas"], to: 2) }
        zone.settle()
        #expect(zone.condition(.zoneEgresses, "egress") == "False DeploymentProgressing")
        try zone.addEgressPod(1)
        try zone.addEgressPod(2)
        zone.settle()
        #expect(zone.object(.zoneEgresses, "egress")?.status["ready"] == "2/2")
        #expect(zone.condition(.meshes, "default") == "True Ready")
    }

    @Test("Disabling deletes the default egress with its children")
    func disabling() throws {
        var zone = try TestZone()
        zone.settle()
        zone.observed.settings.egress.isEnabled = false
        let plan = zone.plan()
        #expect(plan.deletes.map(\.key.name) == ["egress"])
        #expect(plan.deletes.first?.uid == zone.object(.zoneEgresses, "egress")?.metadata.uid)
        zone.carryOut(plan)
        zone.settle()
        for type in [ResourceType.zoneEgresses, .deployments, .services, .serviceAccounts] {
            #expect(zone.observed.objects.sorted(type).isEmpty, "\(type)")
        }
    }

    @Test("Disabling takes the children of a user's managed egress and keeps the egress")
    func disablingUsers() throws {
        var zone = try TestZone(objects: Self.edge)
        zone.settle()
        #expect(zone.object(.deployments, "egret-edge") != nil)
        zone.observed.settings.egress.isEnabled = false
        zone.settle()
        #expect(zone.object(.zoneEgresses, "edge") != nil)
        #expect(zone.object(.deployments, "egret-edge") == nil && zone.object(.services, "egret-edge") == nil)
        #expect(zone.condition(.zoneEgresses, "edge") == "False EgressDisabled")
    }

    @Test("A ZoneEgress named egress that a user made stays the user's")
    func usersOwn() throws {
        var zone = try TestZone(objects: Self.edge.replacing("edge", with: "egress"))
        zone.settle()
        #expect(zone.object(.zoneEgresses, "egress")?.metadata.controller == nil)
        #expect(zone.object(.deployments, "egret-egress") != nil)
        zone.observed.settings.egress.isEnabled = false
        zone.settle()
        #expect(zone.object(.zoneEgresses, "egress") != nil)
    }

    @Test("A ZoneEgress outside of the system namespace or of another zone is not used")
    func misplaced() throws {
        var zone = try TestZone(
            objects: """
                {apiVersion: kuma.io/v1alpha1, kind: ZoneEgress, metadata: {name: a, namespace: demo}, spec: {}}
                ---
                {apiVersion: kuma.io/v1alpha1, kind: ZoneEgress, metadata: {name: b, namespace: kuma-system}, spec: {zone: other}}
                ---
                {apiVersion: kuma.io/v1alpha1, kind: ZoneEgress, metadata: {name: c, namespace: kuma-system}, spec: {networking: {port: 0}}}
                """)
        zone.settle()
        #expect(zone.condition(.zoneEgresses, "a", "Accepted", in: "demo") == "False WrongNamespace")
        #expect(zone.condition(.zoneEgresses, "b", "Accepted") == "False ZoneMismatch")
        #expect(zone.condition(.zoneEgresses, "c", "Accepted") == "False InvalidSpec")
        #expect(zone.observed.objects.sorted(.deployments).map(\.name) == ["egret-egress"])
    }

    @Test("A zone that the control plane itself wrote follows a renamed zone")
    func renamedZone() throws {
        var zone = try TestZone()
        zone.settle()
        zone.change(.zoneEgresses, "egress") { egress in
            egress.json.set(["metadata", "managedFields"], to: [["manager": "egret-zone", "fieldsV1": ["f:spec": ["f:zone": [:]]]]])
        }
        zone.observed.settings.zone = "west"
        zone.settle()
        #expect(zone.object(.zoneEgresses, "egress")?.spec["zone"] == "west")
    }

    @Test("An egress with an address is an instance elsewhere: nothing is rendered, and it is an endpoint while it is connected")
    func elsewhere() throws {
        var zone = try TestZone(egressEnabled: false)
        try zone.addMesh()
        try zone.add(
            """
            apiVersion: kuma.io/v1alpha1
            kind: ZoneEgress
            metadata: {name: vm, namespace: kuma-system}
            spec: {networking: {address: 192.168.0.1, port: 10002}}
            """)
        zone.settle()
        #expect(zone.observed.objects.sorted(.deployments).isEmpty)
        #expect(zone.object(.zoneEgresses, "vm")?.status["endpoint"] == "192.168.0.1:10002")
        #expect(zone.condition(.zoneEgresses, "vm") == "False Offline")
        #expect(zone.condition(.meshes, "default") == "False NoReadyEndpoints")

        zone.observed.online = [ProxyID(.egress, "vm")]
        zone.settle()
        #expect(zone.condition(.zoneEgresses, "vm") == "True Ready")
        #expect(zone.condition(.meshes, "default") == "True Ready")
        let config = try #require(Planner.plan(zone.observed).configs[ProxyID(.egress, "vm")])
        #expect(config.listeners.map(\.address) == ["192.168.0.1"] && config.listeners.map(\.port) == [10002])
    }

    @Test("Somebody else's object under the name of a child is a conflict, not taken over")
    func foreignChild() throws {
        var zone = try TestZone(objects: "{apiVersion: v1, kind: Service, metadata: {name: egret-egress}, spec: {ports: [{port: 1}]}}")
        zone.settle()
        #expect(zone.object(.services, "egret-egress")?.spec["type"] == nil)
        #expect(zone.condition(.zoneEgresses, "egress") == "False Conflict")
    }

    @Test("Only pods of our own Deployment are the egress")
    func impostors() throws {
        var zone = try TestZone()
        zone.settle()
        try zone.add(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: egret-egress-abc-9, namespace: kuma-system, labels: {kuma.io/zone-egress: egress, pod-template-hash: abc}}
            spec: {serviceAccountName: egret-egress}
            status: {phase: Running, podIP: 10.9.9.9, conditions: [{type: Ready, status: "True"}]}
            """)
        #expect(zone.settle().configs.isEmpty)
    }

    @Test("What a proxy cannot use is said on the ZoneEgress")
    func rejected() throws {
        var zone = try TestZone()
        zone.settle()
        try zone.addEgressPod(1)
        zone.settle()
        #expect(zone.condition(.zoneEgresses, "egress", "Programmed") == "Unknown DeploymentProgressing")
        let proxy = ProxyID(.egress, "egret-egress-abc-1.kuma-system")
        zone.observed.acknowledgements[proxy] = Acknowledgement(
            hash: "h", errors: [.init(item: "cluster default:httpbin", message: "the CA is not PEM.")])
        zone.settle()
        #expect(zone.condition(.zoneEgresses, "egress", "Programmed") == "False ConfigRejected")
        #expect(zone.message(.zoneEgresses, "egress", "Programmed").contains("cluster default:httpbin: the CA is not PEM."))
        #expect(zone.condition(.zoneEgresses, "egress") == "True Ready")
        zone.observed.acknowledgements[proxy] = Acknowledgement(hash: "h2")
        zone.settle()
        #expect(zone.condition(.zoneEgresses, "egress", "Programmed") == "True Programmed")
    }

    private static let edge = """
        apiVersion: kuma.io/v1alpha1
        kind: ZoneEgress
        metadata: {name: edge, namespace: kuma-system}
        spec: {deployment: {replicas: 2, logLevel: debug, drainTime: 1m}}
        """
}
