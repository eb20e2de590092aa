import JSONModel
package import KubeAPI
import MeshModel

/// The Dataplane of a pod that says it has a proxy: what the Services that select the pod offer, and what its annotations say.
package struct PodDataplane {
    /// What 2.7 puts on pods into which it has injected a proxy.
    package static let annotation = "kuma.io/sidecar-injected"
    static let meshAnnotation = "kuma.io/mesh"
    static let outboundsAnnotation = "egret.io/outbounds"
    static let workloadsAnnotation = "egret.io/workloads"

    let mesh: String
    let spec: JSON
    let problems: [Verdict]

    /// Whether a pod wants one.
    package static func isAsked(_ pod: KubeObject) -> Bool {
        ["true", "yes", "enabled"].contains(pod.metadata.annotations[self.annotation])
    }

    /// Nil where no Service with a TCP port selects the pod: it is of no service then, and a Dataplane has to be of one.
    /// - Parameter services: Those that select the pod, in order.
    init?(_ pod: KubeObject, address: String, services: [KubeObject], zone: String) {
        let workloads = PodAnnotation(Self.workloadsAnnotation, of: pod, form: "is not of the form PORT=PORT or PORT=ADDRESS:PORT") {
            entry -> (UInt16, PodAnnotationEntry.Place)? in
            guard let place = PodAnnotationEntry.Place(entry.value), entry.place.address == nil else { return nil }
            return (entry.place.port, place)
        }
        let outbounds = PodAnnotation(
            Self.outboundsAnnotation, of: pod, form: "names no service, such as backend, backend{version=v1} or extsvc/api", Self.outbound)
        let places = Dictionary(workloads.values, uniquingKeysWith: { first, _ in first })
        let inbounds = services.flatMap { service in
            Self.ports(of: service, in: pod).map { port, target -> JSON in
                let workload = places[target]
                var inbound: JSON = [
                    "port": JSON(Int(target)), "servicePort": JSON(Int(workload?.port ?? target)),
                    "tags": .object(Self.tags(pod, service, port, zone: zone).mapValues(JSON.string)),
                ]
                if let address = workload?.address { inbound["serviceAddress"] = .string(address) }
                return inbound
            }
        }
        if inbounds.isEmpty { return nil }
        self.mesh = pod.metadata.annotations[Self.meshAnnotation] ?? pod.metadata.labels[Self.meshAnnotation] ?? MeshName.default.text
        self.spec = ["networking": ["address": .string(address), "inbound": .array(inbounds), "outbound": .array(outbounds.values)]]
        self.problems = workloads.problems + outbounds.problems
    }

    private static func outbound(_ entry: PodAnnotationEntry) -> JSON? {
        var outbound: JSON = ["port": JSON(Int(entry.place.port))]
        if let address = entry.place.address { outbound["address"] = .string(address) }
        let external = "extsvc/"
        if entry.value.hasPrefix(external) {
            let parts = entry.value.dropFirst(external.count).split(separator: ":", omittingEmptySubsequences: false)
            guard let name = parts.first, !name.isEmpty, parts.count <= 2 else { return nil }
            var reference: JSON = ["kind": .string(MeshExternalService.kind), "name": .string(String(name))]
            if parts.count == 2 {
                guard let port = PodAnnotationEntry.port(parts[1]) else { return nil }
                reference["port"] = JSON(Int(port))
            }
            outbound["backendRef"] = reference
        } else {
            guard let subset = try? TagSNI(parsing: entry.value), (try? ServiceName(subset.service)) != nil else { return nil }
            outbound["tags"] = .object(subset.tags.merging([Tag.service: subset.service]) { $1 }.mapValues(JSON.string))
        }
        // What a Dataplane cannot have would cost all of it.
        let alone: JSON = ["networking": ["inbound": [["port": 1, "tags": [Tag.service: "x"]]], "outbound": [outbound]]]
        guard (try? Dataplane(name: "x", mesh: nil, spec: alone)) != nil else { return nil }
        return outbound
    }

    /// TCP ports of a Service and where they lead in the pod. A name that no container has leads nowhere.
    private static func ports(of service: KubeObject, in pod: KubeObject) -> [(port: JSON, target: UInt16)] {
        (service.spec["ports"]?.array ?? []).compactMap { port in
            guard Self.isTCP(port) else { return nil }
            let target: Int?
            switch port["targetPort"] {
            case nil, .null: target = port["port"]?.int
            case .string(let name):
                let ports = (pod.spec["containers"]?.array ?? []).flatMap { $0["ports"]?.array ?? [] }
                target = Int(name) ?? ports.first { $0["name"]?.string == name && Self.isTCP($0) }?["containerPort"]?.int
            case .some(let number): target = number.int
            }
            return target.flatMap(UInt16.init(exactly:)).flatMap { $0 > 0 ? (port, $0) : nil }
        }
    }

    private static func isTCP(_ port: JSON) -> Bool { (port["protocol"]?.string ?? "TCP") == "TCP" }

    /// As in 2.7: the pod's labels, and what is known of pod and Service. Labels that change with each rollout or pod are left
    /// out: nobody routes by them, and each would be a tag set of its own.
    private static func tags(_ pod: KubeObject, _ service: KubeObject, _ port: JSON, zone: String) -> [String: String] {
        let number = port["port"]?.int ?? 0
        var tags = pod.metadata.labels.filter { key, value in
            !value.isEmpty && !key.contains("kuma.io/") && !Self.passingLabels.contains(key) && !key.hasPrefix("statefulset.kubernetes.io/")
                && !key.hasPrefix("apps.kubernetes.io/") && !key.hasPrefix("batch.kubernetes.io/")
        }
        tags[Tag.service] = "\(service.name)_\(service.namespace ?? "")_svc_\(number)"
        tags[Tag.zone] = zone
        tags[Tag.protocolName] = Self.protocolName(service, port, number)
        tags["k8s.kuma.io/namespace"] = pod.namespace
        tags["k8s.kuma.io/service-name"] = service.name
        tags["k8s.kuma.io/service-port"] = String(number)
        return tags
    }

    private static let passingLabels: Set<String> = [
        "pod-template-hash", "controller-revision-hash", "pod-template-generation", "controller-uid", "job-name",
    ]

    /// `appProtocol` of the port, else the Service's annotation; what is not known is tcp.
    private static func protocolName(_ service: KubeObject, _ port: JSON, _ number: Int) -> String {
        let text = port["appProtocol"]?.string ?? service.metadata.annotations["\(number).service.kuma.io/protocol"]
        return (text.flatMap(ApplicationProtocol.init(rawValue:)) ?? .tcp).rawValue
    }
}
