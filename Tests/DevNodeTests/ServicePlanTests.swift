import JSONModel
import KubeAPI
import Testing

@testable import DevNode

struct ServicePlanTests {
    private func service(_ change: (inout KubeObject) -> Void = { _ in }) -> KubeObject {
        var service = KubeObject(.services, name: "web", namespace: "default", labels: ["team": "x"])
        service.metadata.uid = "svc"
        service.spec = [
            "clusterIP": "127.96.0.7", "selector": ["app": "web"], "ports": [["name": "http", "port": 80, "targetPort": "http"]],
        ]
        change(&service)
        return service
    }

    private func endpoints(_ service: KubeObject, _ pods: [KubeObject]) -> [JSON] {
        (EndpointSlicePlan.slice(for: service, pods: pods)?["endpoints"]).elements
    }

    private let web = ["app": "web"]

    @Test("a slice has the Service's pods with an address, and its target ports by number")
    func slice() throws {
        let pods = [pod("b", labels: self.web), pod("a", labels: self.web), pod("other"), pod("new", address: nil, labels: self.web)]
        let slice = try #require(EndpointSlicePlan.slice(for: self.service(), pods: pods))
        #expect(slice.metadata.labels[EndpointSlicePlan.serviceLabel] == "web")
        #expect(slice.metadata.labels["team"] == "x")
        #expect(slice.metadata.controller?.kind == "Service")
        #expect(slice["addressType"] == "IPv4")
        #expect(slice["ports"] == [["name": "http", "port": 8080, "protocol": "TCP"]])
        #expect(slice["endpoints"].elements.map { $0.at("targetRef", "name")?.string } == ["a", "b"])
        #expect(slice["endpoints"]?[0]?["conditions"] == ["ready": true, "serving": true, "terminating": false])
        #expect(EndpointSlicePlan.isCurrent(slice, wanted: slice))
    }

    @Test("a pod that is going is not ready but still serves")
    func terminating() {
        let endpoint = self.endpoints(self.service(), [pod("a", labels: self.web, going: true)]).first
        #expect(endpoint?["conditions"] == ["ready": false, "serving": true, "terminating": true])
    }

    @Test("a pod that is not ready is listed as such, unless the Service publishes all")
    func unready() {
        let pods = [pod("a", ready: false, labels: self.web)]
        #expect(self.endpoints(self.service(), pods).first?.at("conditions", "ready") == false)
        #expect(
            self.endpoints(self.service { $0["spec"]?["publishNotReadyAddresses"] = true }, pods).first?.at("conditions", "ready") == true)
    }

    @Test("a Service without a selector has no slice of ours")
    func noSelector() {
        #expect(EndpointSlicePlan.slice(for: self.service { $0["spec"]?["selector"] = nil }, pods: []) == nil)
    }

    @Test("the proxy listens on each ClusterIP and forwards to ready endpoints")
    func table() throws {
        let pods = [pod("a", address: "127.10.0.1", labels: self.web), pod("b", ready: false, address: "127.10.0.2", labels: self.web)]
        let slice = try #require(EndpointSlicePlan.slice(for: self.service(), pods: pods))
        let headless = self.service {
            $0.metadata.name = "none"
            $0["spec"]?["clusterIP"] = "None"
        }
        let table = ProxyTable(services: [self.service(), headless], slices: [slice])
        #expect(table.backends == [.init(address: "127.96.0.7", port: 80): [.init(address: "127.10.0.1", port: 8080)]])
    }

    @Test("a Service without endpoints keeps its listener")
    func empty() {
        #expect(ProxyTable(services: [self.service()], slices: []).backends == [.init(address: "127.96.0.7", port: 80): []])
    }

    @Test("a pod goes to the node unless its nodeSelector asks for another")
    func scheduling() {
        let labels = ["kubernetes.io/os": "linux"]
        var waiting = pod("a", node: nil)
        #expect(Scheduling.decide(waiting, nodeLabels: labels) == .bind)
        waiting["spec"]?["nodeSelector"] = ["kubernetes.io/os": "linux"]
        #expect(Scheduling.decide(waiting, nodeLabels: labels) == .bind)
        waiting["spec"]?["nodeSelector"] = ["disk": "ssd"]
        guard case .unschedulable(let message) = Scheduling.decide(waiting, nodeLabels: labels) else { return #expect(Bool(false)) }
        waiting.status = ["conditions": [["type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": JSON(message)]]]
        #expect(Scheduling.decide(waiting, nodeLabels: labels) == .nothing, "said once")
        #expect(Scheduling.decide(pod("b"), nodeLabels: labels) == .nothing)
    }

    @Test("a namespace gets its default account and the API's CA, once")
    func defaults() {
        let namespace = KubeObject(.namespaces, name: "shop")
        let missing = NamespaceDefaults.missing(in: namespace, accounts: [], maps: [:], mounted: [], ca: "PEM")
        #expect(missing.map(\.displayName) == ["ServiceAccount/shop/default", "ConfigMap/shop/kube-root-ca.crt"])
        let maps = Dictionary(uniqueKeysWithValues: missing.suffix(1).map { ($0.key, $0) })
        #expect(
            NamespaceDefaults.missing(
                in: namespace, accounts: [.init(namespace: "shop", name: "default")], maps: maps, mounted: [], ca: "PEM"
            ).isEmpty)
    }

    @Test("the map that OpenShift's API server mounts is made where a pod mounts it")
    func openShift() {
        let missing = NamespaceDefaults.missing(
            in: KubeObject(.namespaces, name: "shop"), accounts: [.init(namespace: "shop", name: "default")], maps: [:],
            mounted: ["site", "openshift-service-ca.crt"], ca: "PEM")
        #expect(missing.map(\.name) == ["kube-root-ca.crt", "openshift-service-ca.crt"])
        #expect(missing.last?["data"] == ["service-ca.crt": "PEM"])
    }
}
