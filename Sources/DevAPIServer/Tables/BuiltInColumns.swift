import JSONModel

/// The columns that `kubectl get` is known for.
enum BuiltInColumns {
    static func of(_ type: ResourceType) -> [Column] {
        let name = Column(name: "Name", format: "name", source: .name)
        let age = Column(name: "Age", source: .age)
        func text(_ title: String, wide: Bool = false, _ compute: @escaping @Sendable (JSON) -> JSON) -> Column {
            Column(name: title, priority: wide ? 1 : 0, source: .computed(compute))
        }
        func number(_ title: String, _ path: String...) -> Column {
            Column(name: title, type: "integer", source: .computed { $0.at(path) ?? 0 })
        }
        func field(_ title: String, wide: Bool = false, or fallback: JSON = "<none>", _ path: String...) -> Column {
            text(title, wide: wide) { object in
                guard let value = object.at(path), value != "" else { return fallback }
                return value.string == nil ? JSON(value.text) : value
            }
        }
        let containers = text("Containers", wide: true) { JSON(Self.containers($0, "name")) }
        let images = text("Images", wide: true) { JSON(Self.containers($0, "image")) }
        let selector = text("Selector", wide: true) { JSON(Self.selector($0.at("spec", "selector"))) }

        switch type.qualifiedName {
        case "pods":
            return [name, text("Ready") { JSON(PodColumns.ready($0)) }, text("Status") { JSON(PodColumns.status($0)) }]
                + [text("Restarts") { JSON(PodColumns.restarts($0)) }, age]
                + [field("IP", wide: true, "status", "podIP"), field("Node", wide: true, "spec", "nodeName")]
                + [
                    field("Nominated Node", wide: true, "status", "nominatedNodeName"),
                    text("Readiness Gates", wide: true) { _ in "<none>" },
                ]
        case "deployments.apps":
            return [name, text("Ready") { JSON("\($0.at("status", "readyReplicas")?.int ?? 0)/\($0.at("spec", "replicas")?.int ?? 0)") }]
                + [number("Up-to-date", "status", "updatedReplicas"), number("Available", "status", "availableReplicas"), age]
                + [containers, images, selector]
        case "replicasets.apps":
            return [
                name, number("Desired", "spec", "replicas"), number("Current", "status", "replicas"),
                number("Ready", "status", "readyReplicas"),
            ]
                + [age, containers, images, selector]
        case "jobs.batch":
            return [name, text("Status") { JSON(Self.jobStatus($0)) }]
                + [
                    text("Completions") { JSON("\($0.at("status", "succeeded")?.int ?? 0)/\($0.at("spec", "completions")?.int ?? 1)") },
                    age,
                ]
                + [containers, images, selector]
        case "services":
            return [
                name, field("Type", "spec", "type"), field("Cluster-IP", "spec", "clusterIP"),
                text("External-IP") { JSON(Self.externalAddress($0)) },
            ]
                + [text("Port(s)") { JSON(Self.ports($0)) }, age, selector]
        case "serviceaccounts": return [name, text("Secrets") { JSON($0["secrets"]?.array?.count ?? 0) }, age]
        case "secrets": return [name, field("Type", "type"), text("Data") { JSON($0["data"]?.object?.count ?? 0) }, age]
        case "configmaps":
            return [name, text("Data") { JSON(($0["data"]?.object?.count ?? 0) + ($0["binaryData"]?.object?.count ?? 0)) }, age]
        case "namespaces": return [name, field("Status", "status", "phase"), age]
        case "nodes":
            return [name, text("Status") { JSON(Self.nodeStatus($0)) }, text("Roles") { JSON(Self.nodeRoles($0)) }, age]
                + [
                    field("Version", "status", "nodeInfo", "kubeletVersion"),
                    text("Internal-IP", wide: true) { JSON(Self.nodeAddress($0)) }, text("External-IP", wide: true) { _ in "<none>" },
                ]
                + [
                    field("OS-Image", wide: true, "status", "nodeInfo", "osImage"),
                    field("Kernel-Version", wide: true, "status", "nodeInfo", "kernelVersion"),
                ]
                + [field("Container-Runtime", wide: true, "status", "nodeInfo", "containerRuntimeVersion")]
        case "events", "events.events.k8s.io":
            let object = type.group.isEmpty ? "involvedObject" : "regarding"
            return [Column(name: "Last Seen", source: .since(EventNames.lastSeen)), field("Type", "type"), field("Reason", "reason")]
                + [text("Object") { JSON("\(($0.at(object, "kind")?.string ?? "").lowercased())/\($0.at(object, "name")?.string ?? "")") }]
                + [
                    field("Message", or: "", type.group.isEmpty ? "message" : "note"),
                    Column(name: "Name", format: "name", priority: 1, source: .name),
                ]
        case "endpoints": return [name, text("Endpoints") { JSON(Self.endpoints($0)) }, age]
        case "endpointslices.discovery.k8s.io":
            return [name, field("AddressType", "addressType"), text("Ports") { JSON(Self.slicePorts($0)) }]
                + [text("Endpoints") { JSON(Self.sliceEndpoints($0)) }, age]
        case "leases.coordination.k8s.io": return [name, field("Holder", or: "", "spec", "holderIdentity"), age]
        case "customresourcedefinitions.apiextensions.k8s.io":
            return [
                name,
                Column(
                    name: "Created At", type: "date", format: "date-time",
                    source: .computed { $0.at("metadata", "creationTimestamp") ?? "" }),
            ]
        case "poddisruptionbudgets.policy":
            return [
                name, field("Min Available", or: "N/A", "spec", "minAvailable"),
                field("Max Unavailable", or: "N/A", "spec", "maxUnavailable"),
            ]
                + [number("Allowed Disruptions", "status", "disruptionsAllowed"), age]
        case "horizontalpodautoscalers.autoscaling":
            return [
                name,
                text("Reference") {
                    JSON(
                        "\($0.at("spec", "scaleTargetRef", "kind")?.string ?? "")/\($0.at("spec", "scaleTargetRef", "name")?.string ?? "")")
                },
            ]
                + [
                    text("Targets") { _ in "<unknown>" }, number("MinPods", "spec", "minReplicas"),
                    number("MaxPods", "spec", "maxReplicas"),
                ]
                + [number("Replicas", "status", "currentReplicas"), age]
        case "networkpolicies.networking.k8s.io":
            return [name, text("Pod-Selector") { JSON(Self.selector($0.at("spec", "podSelector"))) }, age]
        case "clusterrolebindings.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io":
            return [
                name, text("Role") { JSON("\($0.at("roleRef", "kind")?.string ?? "")/\($0.at("roleRef", "name")?.string ?? "")") }, age,
            ]
        case "roles.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io":
            return [name, Column(name: "Created At", type: "date", source: .computed { $0.at("metadata", "creationTimestamp") ?? "" })]
        default: return [name, age]
        }
    }

    private static func containers(_ object: JSON, _ member: String) -> String {
        (object.at("spec", "template", "spec", "containers")?.array ?? []).compactMap { $0[member]?.string }.joined(separator: ",")
    }

    private static func selector(_ selector: JSON?) -> String {
        guard let selector, selector.object?.isEmpty == false else { return "<none>" }
        let isPlain = selector["matchLabels"] == nil && selector["matchExpressions"] == nil
        return SelectorValue.text(isPlain ? ["matchLabels": selector] : selector)
    }

    private static func jobStatus(_ job: JSON) -> String {
        let conditions = job.at("status", "conditions")?.array ?? []
        return conditions.first { $0["status"] == "True" }?["type"]?.string ?? "Running"
    }

    private static func externalAddress(_ service: JSON) -> String {
        switch service.at("spec", "type")?.string {
        case "ExternalName": return service.at("spec", "externalName")?.string ?? "<none>"
        case "LoadBalancer":
            let given = (service.at("status", "loadBalancer", "ingress")?.array ?? []).compactMap {
                $0["ip"]?.string ?? $0["hostname"]?.string
            }
            return given.isEmpty ? "<pending>" : given.joined(separator: ",")
        default:
            let addresses = (service.at("spec", "externalIPs")?.array ?? []).compactMap(\.string)
            return addresses.isEmpty ? "<none>" : addresses.joined(separator: ",")
        }
    }

    private static func ports(_ service: JSON) -> String {
        let ports = (service.at("spec", "ports")?.array ?? []).map { port in
            let node = port["nodePort"]?.int.map { ":\($0)" } ?? ""
            return "\(port["port"]?.int ?? 0)\(node)/\(port["protocol"]?.string ?? "TCP")"
        }
        return ports.isEmpty ? "<none>" : ports.joined(separator: ",")
    }

    private static func nodeStatus(_ node: JSON) -> String {
        let ready = (node.at("status", "conditions")?.array ?? []).first { $0["type"] == "Ready" }
        let text = ready == nil ? "Unknown" : ready?["status"] == "True" ? "Ready" : "NotReady"
        return node.at("spec", "unschedulable") == true ? "\(text),SchedulingDisabled" : text
    }

    private static func nodeRoles(_ node: JSON) -> String {
        let mark = "node-role.kubernetes.io/"
        let roles = (node.at("metadata", "labels")?.object ?? [:]).keys.filter { $0.hasPrefix(mark) }.map { $0.dropFirst(mark.count) }
        return roles.isEmpty ? "<none>" : roles.sorted().joined(separator: ",")
    }

    private static func nodeAddress(_ node: JSON) -> String {
        (node.at("status", "addresses")?.array ?? []).first { $0["type"] == "InternalIP" }?["address"]?.string ?? "<none>"
    }

    private static func endpoints(_ object: JSON) -> String {
        let pairs = (object["subsets"]?.array ?? []).flatMap { subset in
            (subset["addresses"]?.array ?? []).flatMap { address in
                (subset["ports"]?.array ?? []).map { "\(address["ip"]?.string ?? ""):\($0["port"]?.int ?? 0)" }
            }
        }
        return Self.shortened(pairs)
    }

    private static func slicePorts(_ slice: JSON) -> String {
        let ports = (slice["ports"]?.array ?? []).compactMap { $0["port"]?.int }.map(String.init)
        return ports.isEmpty ? "<unset>" : Self.shortened(ports)
    }

    private static func sliceEndpoints(_ slice: JSON) -> String {
        let addresses = (slice["endpoints"]?.array ?? []).flatMap { $0["addresses"]?.array ?? [] }.compactMap(\.string)
        return addresses.isEmpty ? "<unset>" : Self.shortened(addresses)
    }

    private static func shortened(_ items: [String]) -> String {
        if items.isEmpty { return "<none>" }
        let shown = items.prefix(3).joined(separator: ",")
        return items.count > 3 ? "\(shown) + \(items.count - 3) more..." : shown
    }
}

/// A pod's line: how kubectl sums up containers.
enum PodColumns {
    private static func statuses(_ pod: JSON) -> [JSON] { pod.at("status", "containerStatuses")?.array ?? [] }

    static func ready(_ pod: JSON) -> String {
        "\(Self.statuses(pod).count { $0["ready"] == true })/\(pod.at("spec", "containers")?.array?.count ?? 0)"
    }

    static func restarts(_ pod: JSON) -> String { String(Self.statuses(pod).reduce(0) { $0 + ($1["restartCount"]?.int ?? 0) }) }

    static func status(_ pod: JSON) -> String {
        if pod.isBeingDeleted { return pod.at("status", "reason") == "NodeLost" ? "Unknown" : "Terminating" }
        var text = pod.at("status", "reason")?.string ?? pod.at("status", "phase")?.string ?? "Unknown"
        for container in Self.statuses(pod).reversed() {
            if let reason = container.at("state", "waiting", "reason")?.string, !reason.isEmpty {
                text = reason
            } else if let ended = container.at("state", "terminated") {
                let reason = ended["reason"]?.string ?? ""
                text = reason.isEmpty ? "ExitCode:\(ended["exitCode"]?.int ?? 0)" : reason
            }
        }
        if text == "Completed", Self.statuses(pod).contains(where: { $0["ready"] == true }) { text = "Running" }
        return text
    }
}
