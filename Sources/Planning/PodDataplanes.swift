import JSONModel
import KubeAPI
import MeshModel

/// What is to become of the Dataplanes of a cluster's pods. One that a person made under a pod's name stays as it is.
struct PodDataplanes {
    /// The Dataplanes as they will be, made by hand or of pods: tables need not wait until all of it is written.
    private(set) var objects: [ObjectKey: KubeObject]
    private(set) var applies: [Apply] = []
    private(set) var deletes: [Delete] = []
    /// Of those made of pods.
    private(set) var problems: [ObjectKey: [Verdict]] = [:]
    /// Those that are written in this plan. What is found out about them is said of what the server makes of them.
    private(set) var pending: Set<ObjectKey> = []

    init(_ observed: Observed) {
        self.objects = observed.objects[.dataplanes]
        guard observed.home == .kubernetes else { return }
        var services: [String: [KubeObject]]?
        for pod in observed.objects.sorted(.pods) where PodDataplane.isAsked(pod) {
            guard let address = pod.podIP, pod.isPodAlive else { continue }
            let existing = self.objects[pod.key]
            if let existing, Self.isStrange(existing, to: pod) || existing.metadata.isBeingDeleted { continue }
            // It serves what it has, and nobody new.
            if existing == nil, pod.metadata.isBeingDeleted { continue }
            if services == nil { services = Dictionary(grouping: observed.objects.sorted(.services)) { $0.namespace ?? "" } }
            let selecting = (services?[pod.namespace ?? ""] ?? []).filter { Self.selects($0, pod) }
            if let wanted = PodDataplane(pod, address: address, services: selecting, zone: observed.settings.zone) {
                self.keep(wanted, of: pod, existing)
            } else if let existing {
                self.delete(existing, of: pod, why: "no Service with a TCP port selects Pod \(pod.key)")
            }
        }
        for (key, object) in self.objects.sorted(by: { $0.key < $1.key }) where Self.isMadeOfPod(object) {
            guard let pod = observed.objects[.pods, key], let why = Self.whyNot(pod, object) else { continue }
            self.delete(object, of: pod, why: why)
        }
    }

    private mutating func delete(_ object: KubeObject, of pod: KubeObject, why: String) {
        self.deletes.append(Delete(type: .dataplanes, key: object.key, uid: object.metadata.uid, why: why, regarding: pod))
        self.objects[object.key] = nil
    }

    private mutating func keep(_ dataplane: PodDataplane, of pod: KubeObject, _ existing: KubeObject?) {
        var wanted = KubeObject(
            .dataplanes, name: pod.name, namespace: pod.namespace, labels: ["app.kubernetes.io/managed-by": "egret"])
        wanted["mesh"] = .string(dataplane.mesh)
        wanted.spec = dataplane.spec
        // Blocking the pod's deletion would take a right over pods.
        var owner = OwnerReference(controller: pod)
        owner.blocksOwnerDeletion = false
        wanted.metadata.ownerReferences = [owner]
        // A field that is no longer wanted is not in the wanted object; its fingerprint tells.
        let fingerprint = Fingerprint.of(wanted.json.text)
        wanted.metadata.annotations[World.appliedAnnotation] = fingerprint

        self.problems[pod.key] = dataplane.problems
        guard let difference = Difference.of(wanted.json, existing?.json) else { return }
        let isRepair = existing?.metadata.annotations[World.appliedAnnotation] == fingerprint
        let why =
            existing == nil
            ? "Pod \(pod.key) has the annotation \(PodDataplane.annotation)"
            : isRepair
                ? "somebody changed \(difference) of it; restoring what Pod \(pod.key) and its Services say"
                : "Pod \(pod.key), its annotations or its Services changed"
        self.applies.append(
            Apply(
                type: .dataplanes, object: wanted, manager: FieldManager.operator, force: true, change: existing == nil ? .create : .update,
                why: why, regarding: pod))
        self.pending.insert(pod.key)
        var object = existing ?? wanted
        object["mesh"] = wanted["mesh"]
        object.spec = wanted.spec
        self.objects[pod.key] = object
    }

    private static func isMadeOfPod(_ object: KubeObject) -> Bool { World.isOurs(object) && object.metadata.controller?.kind == "Pod" }

    /// Somebody else's, or an earlier pod's of the same name: that one goes first.
    private static func isStrange(_ object: KubeObject, to pod: KubeObject) -> Bool {
        !self.isMadeOfPod(object) || object.metadata.controller?.uid != pod.metadata.uid
    }

    private static func selects(_ service: KubeObject, _ pod: KubeObject) -> Bool {
        guard !service.metadata.isBeingDeleted, service.spec["type"]?.string != "ExternalName",
            let selector = service.spec["selector"]?.object, !selector.isEmpty
        else { return false }
        let labels = pod.metadata.labels
        return selector.allSatisfy { labels[$0.key] == $0.value.string }
    }

    private static func whyNot(_ pod: KubeObject, _ object: KubeObject) -> String? {
        if object.metadata.isBeingDeleted { return nil }
        if object.metadata.controller?.uid != pod.metadata.uid { return "it was made of an earlier pod of this name" }
        if !PodDataplane.isAsked(pod) { return "Pod \(pod.key) has no annotation \(PodDataplane.annotation) any more" }
        if !pod.isPodAlive { return "Pod \(pod.key) has ended" }
        return pod.podIP == nil ? "Pod \(pod.key) has no address" : nil
    }
}
