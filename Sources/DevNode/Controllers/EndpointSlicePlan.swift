import JSONModel
import KubeAPI

/// The one EndpointSlice of a Service with a selector.
enum EndpointSlicePlan {
    static let serviceLabel = "kubernetes.io/service-name"
    static let managerLabel = "endpointslice.kubernetes.io/managed-by"
    static let manager = "endpointslice-controller.k8s.io"

    /// The slice as it should be; nil for a Service that has no pods of its own choosing.
    static func slice(for service: KubeObject, pods: [KubeObject]) -> KubeObject? {
        let selector = service.spec["selector"].stringMembers
        guard !selector.isEmpty, service.spec["type"]?.string != "ExternalName", !service.metadata.isBeingDeleted else { return nil }
        let publishesUnready = service.spec["publishNotReadyAddresses"]?.bool ?? false
        let members = pods.filter {
            $0.namespace == service.namespace && ServiceSelector.selects(selector, $0.metadata.labels) && !$0.isFinishedPod
                && !($0.status["podIP"]?.string ?? "").isEmpty
        }.sorted { $0.name < $1.name }
        var labels = service.metadata.labels
        labels[Self.serviceLabel] = service.name
        labels[Self.managerLabel] = Self.manager
        if service.spec["clusterIP"]?.string == "None" { labels["service.kubernetes.io/headless"] = "" }
        var slice = KubeObject(
            .endpointSlices, name: "\(service.name)-\(PodTemplateHash.short(service.metadata.uid, length: 5))",
            namespace: service.namespace, labels: labels)
        slice.metadata.ownerReferences = [OwnerReference(controller: service)]
        slice["addressType"] = "IPv4"
        slice["endpoints"] = .array(members.map { Self.endpoint($0, publishesUnready: publishesUnready) })
        slice["ports"] = .array(service.spec["ports"].elements.compactMap { Self.port($0, pods: members) })
        return slice
    }

    private static func endpoint(_ pod: KubeObject, publishesUnready: Bool) -> JSON {
        let isGoing = pod.metadata.isBeingDeleted
        let serves = publishesUnready || pod.isReadyPod
        var endpoint: JSON = [
            "addresses": [pod.status["podIP"] ?? ""],
            "conditions": ["ready": JSON(serves && (!isGoing || publishesUnready)), "serving": JSON(serves), "terminating": JSON(isGoing)],
            "targetRef": [
                "kind": "Pod", "name": JSON(pod.name), "namespace": JSON(pod.namespace ?? ""), "uid": JSON(pod.metadata.uid),
            ],
        ]
        endpoint["nodeName"] = pod.spec["nodeName"]
        return endpoint
    }

    /// A named target port is looked up in the first pod that has it. A name no pod has leaves the port out.
    private static func port(_ port: JSON, pods: [KubeObject]) -> JSON? {
        let target = port["targetPort"]
        var number = target?.int ?? port["port"]?.int
        if let name = target?.string {
            let ports = pods.lazy.flatMap { $0.spec["containers"].elements }.flatMap { $0["ports"].elements }
            number = ports.first { $0["name"]?.string == name }?["containerPort"]?.int
        }
        guard let number else { return nil }
        var json: JSON = [
            "name": port["name"] ?? "", "port": JSON(number), "protocol": port["protocol"] ?? "TCP",
        ]
        json["appProtocol"] = port["appProtocol"]
        return json
    }

    /// Whether what the API has already says what we want.
    static func isCurrent(_ slice: KubeObject, wanted: KubeObject) -> Bool {
        slice["endpoints"].elements == wanted["endpoints"].elements && slice["ports"].elements == wanted["ports"].elements
            && slice.metadata.labels == wanted.metadata.labels && slice.metadata.ownerReferences == wanted.metadata.ownerReferences
    }
}
