import FoundationEssentials
import JSONModel
import KubeAPI

/// What a ReplicaSet needs: pods made or removed until there are as many as it wants, and its status.
struct ReplicaSetPlan: Hashable, Sendable {
    var create = 0
    /// Pods to delete, in order.
    var delete: [KubeObject] = []
    /// The status to write; nil when the object already says so.
    var status: JSON?
    /// When time alone changes the answer (`minReadySeconds`).
    var nextLook: Date?

    /// - Parameters:
    ///   - pods: every pod whose controller is the ReplicaSet.
    ///   - isCacheBehind: an earlier create or delete of ours is not yet visible in `pods`. Nothing is made or removed then,
    ///     or it would be done twice.
    init(_ replicaSet: KubeObject, pods: [KubeObject], isCacheBehind: Bool, now: Date) {
        let wanted = replicaSet.spec["replicas"]?.int ?? 1
        let active = pods.filter { $0.isActivePod }
        if !isCacheBehind, !replicaSet.metadata.isBeingDeleted {
            self.create = max(0, wanted - active.count)
            self.delete = Array(active.sorted(by: Self.goesFirst).prefix(max(0, active.count - wanted)))
        }
        let ready = active.filter(\.isReadyPod)
        let pause = Double(replicaSet.spec["minReadySeconds"]?.int ?? 0)
        let dates = ready.map { ($0.readySince ?? now).addingTimeInterval(pause) }
        let available = dates.count { $0 <= now }
        self.nextLook = dates.filter { $0 > now }.min()
        let template = replicaSet.spec.at("template", "metadata", "labels").stringMembers
        let labelled = active.count { pod in template.allSatisfy { pod.metadata.labels[$0.key] == $0.value } }
        var status: JSON = ["replicas": JSON(active.count), "observedGeneration": JSON(replicaSet.metadata.generation)]
        // The API omits zeros, and so do we, or every look would seem a change.
        if labelled > 0 { status["fullyLabeledReplicas"] = JSON(labelled) }
        if !ready.isEmpty { status["readyReplicas"] = JSON(ready.count) }
        if available > 0 { status["availableReplicas"] = JSON(available) }
        var written = replicaSet.status
        for field in ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] where written[field]?.int == 0 { written[field] = nil }
        written["terminatingReplicas"] = nil
        if status != written { self.status = status }
    }

    /// Pods that serve least go first: unassigned, pending, not ready, then the youngest.
    private static func goesFirst(_ left: KubeObject, _ right: KubeObject) -> Bool {
        func rank(_ pod: KubeObject) -> (Int, Int, Int, Double) {
            let phase = ["Pending": 0, "Unknown": 1, "Running": 2][pod.status["phase"]?.string ?? "Pending"] ?? 0
            return (
                pod.spec["nodeName"]?.string == nil ? 0 : 1, phase, pod.isReadyPod ? 1 : 0,
                -(pod.metadata.creationTimestamp?.timeIntervalSince1970 ?? 0)
            )
        }
        return rank(left) == rank(right) ? left.name < right.name : rank(left) < rank(right)
    }

    /// A pod as the template says. The API server gives it the name.
    static func pod(of replicaSet: KubeObject) -> KubeObject {
        let template = replicaSet.spec["template"] ?? [:]
        var pod = KubeObject(["apiVersion": "v1", "kind": "Pod"])
        pod["metadata"] = template["metadata"] ?? [:]
        pod["metadata"]?["creationTimestamp"] = nil
        pod["metadata"]?["generateName"] = JSON("\(replicaSet.name)-")
        pod.metadata.namespace = replicaSet.namespace
        pod.metadata.ownerReferences = [OwnerReference(controller: replicaSet)]
        pod["spec"] = template["spec"]
        return pod
    }
}

extension KubeObject {
    private var podPhase: String { self.status["phase"]?.string ?? "Pending" }
    var isFinishedPod: Bool { self.podPhase == "Succeeded" || self.podPhase == "Failed" }
    /// Counts as a replica.
    var isActivePod: Bool { !self.metadata.isBeingDeleted && !self.isFinishedPod }
    var isReadyPod: Bool { self.conditions["Ready"]?.isTrue ?? false }
    var readySince: Date? { self.conditions["Ready"].flatMap { $0.isTrue ? $0.lastTransitionTime : nil } }
}
