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
        var remembered: [ObjectKey: (sources: Sources, made: Made?)] = [:]
        for pod in observed.objects.sorted(.pods) where PodDataplane.isAsked(pod) {
            guard let address = pod.podIP, pod.isPodAlive else { continue }
            let existing = self.objects[pod.key]
            if let existing, Self.isStrange(existing, to: pod) || existing.metadata.isBeingDeleted { continue }
            // It serves what it has, and nobody new.
            if existing == nil, pod.metadata.isBeingDeleted { continue }
            if services == nil { services = Dictionary(grouping: observed.objects.sorted(.services)) { $0.namespace ?? "" } }
            let labels = pod.metadata.labels
            let selecting = (services?[pod.namespace ?? ""] ?? []).filter { Self.selects($0, labels) }
            let sources = Sources(pod: pod, services: selecting, zone: observed.settings.zone)
            let known = observed.memory?.made(of: pod.key)
            let made = known?.sources == sources ? known?.made : Made(sources, address: address)
            remembered[pod.key] = (sources, made)
            if let made {
                self.keep(made, of: pod, existing)
            } else if let existing {
                self.delete(existing, of: pod, why: "no Service with a TCP port selects Pod \(pod.key)")
            }
        }
        observed.memory?.keep(remembered)
        for (key, object) in self.objects.sorted(by: { $0.key < $1.key }) where Self.isMadeOfPod(object) {
            guard let pod = observed.objects[.pods, key], let why = Self.whyNot(pod, object) else { continue }
            self.delete(object, of: pod, why: why)
        }
    }

    private mutating func delete(_ object: KubeObject, of pod: KubeObject, why: String) {
        self.deletes.append(Delete(type: .dataplanes, key: object.key, uid: object.metadata.uid, why: why, regarding: pod))
        self.objects[object.key] = nil
    }

    private mutating func keep(_ made: Made, of pod: KubeObject, _ existing: KubeObject?) {
        let wanted = made.object
        self.problems[pod.key] = made.problems
        guard let difference = Difference.of(wanted.json, existing?.json) else { return }
        let applied = World.appliedAnnotation
        let isRepair = existing?.metadata.annotations[applied] == wanted.metadata.annotations[applied]
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

    private static func selects(_ service: KubeObject, _ labels: [String: String]) -> Bool {
        guard !service.metadata.isBeingDeleted, service.spec["type"]?.string != "ExternalName",
            let selector = service.spec["selector"]?.object, !selector.isEmpty
        else { return false }
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

extension PodDataplanes {
    /// All that a pod's Dataplane is made of.
    struct Sources: Hashable, Sendable {
        let pod: KubeObject
        let services: [KubeObject]
        let zone: String
    }

    struct Made: Sendable {
        /// As it is applied.
        let object: KubeObject
        let problems: [Verdict]

        /// Nil where no Service makes the pod a service.
        init?(_ sources: Sources, address: String) {
            let pod = sources.pod
            guard let dataplane = PodDataplane(pod, address: address, services: sources.services, zone: sources.zone) else { return nil }
            var object = KubeObject(
                .dataplanes, name: pod.name, namespace: pod.namespace, labels: ["app.kubernetes.io/managed-by": "egret"])
            object["mesh"] = .string(dataplane.mesh)
            object.spec = dataplane.spec
            // Blocking the pod's deletion would take a right over pods.
            var owner = OwnerReference(controller: pod)
            owner.blocksOwnerDeletion = false
            object.metadata.ownerReferences = [owner]
            // A field that is no longer wanted is not in the wanted object; its fingerprint tells.
            object.metadata.annotations[World.appliedAnnotation] = Fingerprint.of(object.json.text)
            self.object = object
            self.problems = dataplane.problems
        }
    }
}
