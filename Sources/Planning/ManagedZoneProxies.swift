import JSONModel
import KubeAPI
import MeshModel

extension World {
    /// Where proxies of this zone reach one egress instance.
    struct EgressEndpoint: Hashable {
        let address: String
        let port: UInt16
    }

    /// Whether the control plane runs this one now.
    func isRun<Proxy: ZoneProxy>(_ judged: Judged<Proxy>) -> Bool {
        self.observed.settings[Proxy.role].isEnabled && judged.accountable?.isManaged == true
    }

    func wantedReplicas<Proxy: ZoneProxy>(_ proxy: Proxy?) -> Int { proxy?.replicas ?? self.observed.settings[Proxy.role].replicas }

    /// Pods of the Deployments we rendered, by the name of their ZoneEgress or ZoneIngress, terminating ones included: they still
    /// serve what they have.
    ///
    /// Labels alone would let anybody who may create a pod take the egress's identity, so the pod has to be the child of
    /// a ReplicaSet named after our Deployment, and run as our ServiceAccount.
    func findPods(_ role: ZoneProxyRole) -> [String: [KubeObject]] {
        let pods = self.observed.objects.sorted(.pods).filter { pod in
            guard pod.namespace == self.observed.systemNamespace, pod.isPodAlive, let owner = pod.metadata.labels[role.label] else {
                return false
            }
            let name = ZoneProxyRole.children(of: owner)
            return pod.spec["serviceAccountName"]?.string == name && pod.metadata.controller?.kind == "ReplicaSet"
                && pod.metadata.controller?.name == "\(name)-\(pod.metadata.labels["pod-template-hash"] ?? "")"
        }
        return Dictionary(grouping: pods) { $0.metadata.labels[role.label] ?? "" }
    }

    func pods(_ role: ZoneProxyRole, of name: String) -> [KubeObject] { self.proxyPods[role]?[name] ?? [] }

    /// Those of one that the control plane runs.
    func pods<Proxy: ZoneProxy>(of judged: Judged<Proxy>) -> [KubeObject] {
        self.isRun(judged) ? self.pods(Proxy.role, of: judged.object.name) : []
    }

    /// Instances that serve now: ready, non-terminating pods of ours, and those somewhere else that are online.
    func findReadyEgresses() -> [EgressEndpoint] {
        self.egresses.flatMap { judged -> [EgressEndpoint] in
            guard let egress = judged.accountable else { return [] }
            if let address = egress.address {
                return self.isOnline(egress) ? [EgressEndpoint(address: address, port: egress.port)] : []
            }
            return self.pods(of: judged).filter(\.isPodReady).compactMap { pod in
                pod.podIP.map { EgressEndpoint(address: $0, port: egress.port) }
            }
        }
    }
}
