import JSONModel
import KubeAPI
import MeshModel
import Routing

extension World {
    static func judge(_ judged: Judged<Dataplane>, _ meshes: [MeshName: Mesh], _ observed: Observed) -> Judged<Dataplane> {
        guard let dataplane = judged.resource else { return judged }
        var judged = judged
        judged.accepted =
            if let mesh = meshes[dataplane.mesh] {
                Self.judge(dataplane, judged.object.key, in: mesh, observed)
            } else {
                Self.meshNotFound(dataplane.mesh)
            }
        return judged
    }

    private static func judge(_ dataplane: Dataplane, _ key: ObjectKey, in mesh: Mesh, _ observed: Observed) -> Verdict {
        if observed.home == .universal {
            dataplane.address == nil
                ? .needsPerson(
                    .invalidSpec,
                    "networking.address is not set, so nobody can reach the dataplane. Next: set it to its machine's address.")
                : Self.accepted("The spec is valid.", ignoring: dataplane.ignoredFields)
        } else if let pod = observed.objects[.pods, key], pod.isPodAlive {
            Self.claims(of: dataplane, pod: pod, observed.objects)
                ?? Self.accepted(
                    "The spec is valid.\(Self.withheld(dataplane, pod))\(Self.left(dataplane, mesh))", ignoring: dataplane.ignoredFields)
        } else {
            .waiting(
                .podNotFound,
                "There is no running Pod \(key). A Dataplane is named after its pod. Next: kubectl get pods -n \(key.namespace ?? "")"
            )
        }
    }

    /// A sentence about inbounds of a pod whose callers speak mesh TLS and that the proxy does not end it for; empty without.
    private static func left(_ dataplane: Dataplane, _ mesh: Mesh) -> String {
        let left = dataplane.inbounds.filter { $0.servicePort == nil && $0.serviceAddress == nil }.map { String($0.port) }
        guard mesh.backend != nil, !left.isEmpty else { return "" }
        return
            " The proxy does not listen at inbound \(left.joined(separator: ", ")), because servicePort does not say where the workload listens."
    }

    /// A proxy gets the identity of a service only if the pod really is one of the service's. Nil when all claims hold.
    private static func claims(of dataplane: Dataplane, pod: KubeObject, _ objects: Objects) -> Verdict? {
        for service in dataplane.services {
            guard let claim = ServiceClaim(service) else {
                return .needsPerson(
                    .permissionDenied,
                    "kuma.io/service \(service) is not of the form <service>_<namespace>_svc_<port>. Next: name the Service that selects the pod in this form."
                )
            }
            guard claim.namespace == pod.namespace, let object = objects[.services, namespace: claim.namespace, name: claim.name] else {
                return .needsPerson(
                    .permissionDenied,
                    "kuma.io/service \(service) needs a Service \(claim.name) in the namespace of the pod, \(pod.namespace ?? ""). Next: create it, or correct the tag."
                )
            }
            let selector = object.spec["selector"]?.object ?? [:]
            let labels = pod.metadata.labels
            guard !selector.isEmpty, selector.allSatisfy({ labels[$0.key] == $0.value.string }) else {
                return .needsPerson(
                    .permissionDenied,
                    "Service \(claim.name) does not select Pod \(pod.name), so the pod may not act as \(service). Next: correct the tag, the Service's selector or the pod's labels."
                )
            }
            let ports = (object.spec["ports"]?.array ?? []).compactMap { $0["port"]?.int }
            if let port = claim.port, !ports.contains(port) {
                return .needsPerson(
                    .permissionDenied,
                    "Service \(claim.name) has no port \(port), which kuma.io/service \(service) names. Next: correct the tag.")
            }
        }
        return nil
    }

    func dataplaneStatuses() -> [StatusPatch] {
        self.dataplanes.compactMap { judged in
            if self.podDataplanes.pending.contains(judged.object.key) { return nil }
            var judgement = Judgement(accepted: judged.accepted, ready: "")
            if let dataplane = judged.accountable, let mesh = self.mesh(dataplane.mesh) {
                let outbounds = self.outbounds[judged.object.key] ?? []
                judgement.checks =
                    (self.podDataplanes.problems[judged.object.key] ?? []) + Self.duplicates(dataplane) + self.rejected(judged)
                    + [self.pending(mesh)].compactMap(\.self) + outbounds.flatMap(self.unreachable)
                judgement.ready =
                    outbounds.isEmpty
                    ? "It calls nothing; others call it."
                    : "\(Self.count(outbounds.count, "outbound")) \(outbounds.count == 1 ? "has" : "have") somewhere to go."
            }
            return self.status(of: judged.object, type: .dataplanes, judgement)
        }
    }

    /// A place that is taken, above all.
    private func rejected(_ judged: Judged<Dataplane>) -> [Verdict] {
        guard let id = self.place(of: judged)?.id else { return [] }
        return self.observed.acknowledgements[id]?.errors.prefix(1).map {
            .needsPerson(.configRejected, "The proxy cannot use \($0.item): \($0.message.asSentence)")
        } ?? []
    }

    private func pending(_ mesh: Mesh) -> Verdict? {
        guard mesh.backend != nil, self.observed.trust[mesh.name] == nil else { return nil }
        return .waiting(
            .authorityPending, "Mesh \(mesh.name) has no usable certificate authority yet. Next: kubectl describe mesh \(mesh.name)")
    }

    private func unreachable(_ planned: PlannedOutbound) -> [Verdict] {
        let place = "Outbound \(planned.outbound.address):\(planned.outbound.port) to \(planned.outbound.service)"
        let what =
            planned.cluster.endpoints.isEmpty ? "has nowhere to go, so its connections fail" : "cannot go where a route sends a part of it"
        return planned.problems.map { .waiting(.noReadyEndpoints, "\(place) \(what): \($0)") }
    }

    private static func duplicates(_ dataplane: Dataplane) -> [Verdict] {
        var seen: Set<[String]> = []
        return dataplane.outbounds.compactMap { outbound in
            if seen.insert([outbound.address, String(outbound.port)]).inserted { return nil }
            return .needsPerson(
                .conflict, "Two outbounds listen on \(outbound.address):\(outbound.port); the first is used. Next: give each its own port.")
        }
    }
}

/// `<service>_<namespace>_svc[_<port>]`: how a Kubernetes Service is called in a mesh.
struct ServiceClaim: Equatable {
    let name: String
    let namespace: String
    let port: Int?

    init?(_ text: String) {
        // Neither names of Services nor those of namespaces have underscores.
        let parts = text.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3 || parts.count == 4, parts[2] == "svc", !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        if parts.count == 4 {
            guard let port = Int(parts[3]), (1...65535).contains(port), parts[3].first != "0" else { return nil }
            self.port = port
        } else {
            self.port = nil
        }
        self.name = parts[0]
        self.namespace = parts[1]
    }
}
