import JSONModel
import KubeAPI
import MeshModel

/// Names and labels of what is rendered for a ZoneEgress.
package enum EgressNames {
    static let defaultEgress = "egress"
    package static let zoneEgressLabel = "kuma.io/zone-egress"

    /// Deployment, Service and ServiceAccount.
    static func children(of zoneEgress: String) -> String { "egret-\(zoneEgress)" }

    static func selector(_ zoneEgress: String) -> [String: String] {
        [
            "app.kubernetes.io/name": "egret", "app.kubernetes.io/component": "egress", "app.kubernetes.io/instance": zoneEgress,
        ]
    }

    static func labels(_ zoneEgress: String) -> [String: String] {
        self.selector(zoneEgress).merging(
            ["app.kubernetes.io/managed-by": "egret", self.zoneEgressLabel: zoneEgress], uniquingKeysWith: { first, _ in first })
    }

    static func selectorText(_ zoneEgress: String) -> String {
        self.selector(zoneEgress).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}

extension World {
    /// Where clients of this zone reach one egress instance.
    struct EgressEndpoint: Hashable {
        let address: String
        let port: UInt16
    }

    /// Whether the control plane runs this one now.
    func isRun(_ judged: Judged<ZoneEgress>) -> Bool {
        self.observed.settings.egress.isEnabled && judged.accountable?.isManaged == true
    }

    func wantedReplicas(_ egress: ZoneEgress?) -> Int { egress?.replicas ?? self.observed.settings.egress.replicas }

    /// Pods of the Deployments we rendered, by ZoneEgress, terminating ones included: they still serve what they have.
    ///
    /// Labels alone would let anybody who may create a pod take the egress's identity, so the pod has to be the child of
    /// a ReplicaSet named after our Deployment, and run as our ServiceAccount.
    func findEgressPods() -> [String: [KubeObject]] {
        let pods = self.observed.objects.sorted(.pods).filter { pod in
            guard pod.namespace == self.observed.systemNamespace, pod.isPodAlive,
                let zoneEgress = pod.metadata.labels[EgressNames.zoneEgressLabel]
            else { return false }
            let name = EgressNames.children(of: zoneEgress)
            return pod.spec["serviceAccountName"]?.string == name && pod.metadata.controller?.kind == "ReplicaSet"
                && pod.metadata.controller?.name == "\(name)-\(pod.metadata.labels["pod-template-hash"] ?? "")"
        }
        return Dictionary(grouping: pods) { $0.metadata.labels[EgressNames.zoneEgressLabel] ?? "" }
    }

    func pods(of zoneEgress: String) -> [KubeObject] { self.egressPods[zoneEgress] ?? [] }

    /// Instances that serve now: ready, non-terminating pods of ours, and those somewhere else that are online.
    func findReadyEgresses() -> [EgressEndpoint] {
        self.egresses.flatMap { judged -> [EgressEndpoint] in
            guard let egress = judged.accountable else { return [] }
            if let address = egress.address {
                return self.isOnline(egress) ? [EgressEndpoint(address: address, port: egress.port)] : []
            }
            guard self.isRun(judged) else { return [] }
            return self.pods(of: egress.name).filter(\.isPodReady).compactMap { pod in
                pod.podIP.map { EgressEndpoint(address: $0, port: egress.port) }
            }
        }
    }
}
