import FoundationEssentials
import JSONModel
import KubeAPI

/// What a Deployment needs now: at most one kind of step of its rollout, and its status.
struct DeploymentPlan: Hashable, Sendable {
    struct Resize: Hashable, Sendable {
        var replicaSet: KubeObject
        var replicas: Int
    }

    static let hashLabel = "pod-template-hash"
    static let revisionAnnotation = "deployment.kubernetes.io/revision"

    var create: KubeObject?
    var resize: [Resize] = []
    /// Old ReplicaSets beyond the history limit.
    var delete: [KubeObject] = []
    /// The revision the Deployment's annotation shall show; nil when it does.
    var revision: String?
    var status: JSON?
    var nextLook: Date?

    /// - Parameter replicaSets: those whose controller is the Deployment.
    /// - Parameter pods: those whose controller is one of them.
    init(_ deployment: KubeObject, replicaSets: [KubeObject], pods: [KubeObject], now: Date) {
        guard !deployment.metadata.isBeingDeleted else { return }
        let view = DeploymentView(deployment, replicaSets: replicaSets)
        let isPaused = deployment.spec["paused"]?.bool ?? false
        if view.new == nil, !isPaused {
            if view.mayStartNew(pods: pods) {
                self.create = Self.replicaSet(for: view, replicas: view.sizes(startingFrom: 0).new)
            } else {
                self.resize = view.old.filter { $0.wantedReplicas > 0 }.map { Resize(replicaSet: $0, replicas: 0) }
            }
        } else if isPaused {
            // A paused rollout still scales what serves.
            if let active = view.all.filter({ $0.wantedReplicas > 0 }).last ?? view.all.last, active.wantedReplicas != view.replicas,
                view.all.count(where: { $0.wantedReplicas > 0 }) <= 1
            {
                self.resize = [Resize(replicaSet: active, replicas: view.replicas)]
            }
        } else if let new = view.new {
            let sizes = view.sizes(startingFrom: new.wantedReplicas)
            for (replicaSet, size) in zip(view.all, sizes.old + [sizes.new]) where replicaSet.wantedReplicas != size {
                self.resize.append(Resize(replicaSet: replicaSet, replicas: size))
            }
        }
        self.delete = view.beyondHistory
        let revision = self.create.map(\.revision) ?? view.new?.revision
        if let revision, revision > 0, deployment.revision != revision { self.revision = String(revision) }
        let status = DeploymentStatus(view, created: self.create, now: now)
        if status.json != deployment.status { self.status = status.json }
        self.nextLook = status.deadline
    }

    private static func replicaSet(for view: DeploymentView, replicas: Int) -> KubeObject {
        let deployment = view.deployment
        var template = deployment.spec["template"] ?? [:]
        template.set(["metadata", "labels", Self.hashLabel], to: JSON(view.hash))
        var selector = deployment.spec["selector"] ?? [:]
        selector.set(["matchLabels", Self.hashLabel], to: JSON(view.hash))
        var annotations = deployment.metadata.annotations
        annotations["kubectl.kubernetes.io/last-applied-configuration"] = nil
        annotations[Self.revisionAnnotation] = String(view.latestRevision + 1)
        var replicaSet = KubeObject(
            .replicaSets, name: "\(deployment.name)-\(view.hash)", namespace: deployment.namespace,
            labels: template.at("metadata", "labels").stringMembers, annotations: annotations)
        replicaSet.metadata.ownerReferences = [OwnerReference(controller: deployment)]
        replicaSet["spec"] = ["replicas": JSON(replicas), "selector": selector, "template": template]
        if let pause = deployment.spec["minReadySeconds"] { replicaSet["spec"]?["minReadySeconds"] = pause }
        return replicaSet
    }
}

/// A Deployment and its ReplicaSets, sorted out.
struct DeploymentView: Hashable, Sendable {
    let deployment: KubeObject
    let hash: String
    let replicas: Int
    let rolling: RollingUpdate
    let recreates: Bool
    /// The ReplicaSet of the template as it is now.
    let new: KubeObject?
    /// The others, oldest revision first.
    let old: [KubeObject]

    init(_ deployment: KubeObject, replicaSets: [KubeObject]) {
        let hash = PodTemplateHash.of(deployment.spec["template"] ?? [:])
        let replicas = deployment.spec["replicas"]?.int ?? 1
        self.deployment = deployment
        self.hash = hash
        self.replicas = replicas
        self.recreates = deployment.spec.at("strategy", "type")?.string == "Recreate"
        self.rolling = RollingUpdate(deployment.spec["strategy"], replicas: replicas)
        self.new = replicaSets.first { $0.metadata.labels[DeploymentPlan.hashLabel] == hash }
        self.old = replicaSets.filter { $0.metadata.labels[DeploymentPlan.hashLabel] != hash }
            .sorted { ($0.revision, $0.name) < ($1.revision, $1.name) }
    }

    var all: [KubeObject] { self.old + (self.new.map { [$0] } ?? []) }
    var latestRevision: Int { self.all.map(\.revision).max() ?? 0 }

    /// `Recreate` waits for the last pod of the old versions.
    func mayStartNew(pods: [KubeObject]) -> Bool {
        guard self.recreates else { return true }
        let uids = Set(self.old.map(\.metadata.uid))
        return self.old.allSatisfy { $0.wantedReplicas == 0 }
            && !pods.contains { $0.metadata.controller.map { uids.contains($0.uid) } ?? false && !$0.isFinishedPod }
    }

    func sizes(startingFrom current: Int) -> (new: Int, old: [Int]) {
        if self.recreates { return (self.replicas, self.old.map { _ in 0 }) }
        return self.rolling.step(
            new: .init(wanted: current, available: self.new?.availableReplicas ?? 0),
            old: self.old.map { .init(wanted: $0.wantedReplicas, available: $0.availableReplicas) }, replicas: self.replicas)
    }

    var beyondHistory: [KubeObject] {
        let limit = self.deployment.spec["revisionHistoryLimit"]?.int ?? 10
        let empty = self.old.filter { $0.wantedReplicas == 0 && ($0.status["replicas"]?.int ?? 0) == 0 && !$0.metadata.isBeingDeleted }
        return Array(empty.prefix(max(0, empty.count - limit)))
    }
}

extension KubeObject {
    var wantedReplicas: Int { self.spec["replicas"]?.int ?? 1 }
    var availableReplicas: Int { self.status["availableReplicas"]?.int ?? 0 }
    var revision: Int { self.metadata.annotations[DeploymentPlan.revisionAnnotation].flatMap { Int($0) } ?? 0 }
}
