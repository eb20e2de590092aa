import CurlTransport
import FoundationEssentials
import JSONModel
import KubeAPI
import KubeRuntime
import Logging
import Synchronization

/// Carries out what the plans of this folder say. One loop per kind; each look reads the caches as they are.
struct Controllers: Sendable {
    let world: NodeWorld
    let nodeLabels: [String: String]
    private let expectations = Expected()

    /// Writes of each ReplicaSet's controller that the caches do not show yet, by the ReplicaSet's uid.
    private final class Expected: Sendable {
        let byOwner = Mutex<[String: Expectations]>([:])
    }

    init(world: NodeWorld, nodeLabels: [String: String]) {
        self.world = world
        self.nodeLabels = nodeLabels
    }

    /// Every object of a type in the same namespaces as the changed ones: cheap here, and nothing to get wrong.
    private func neighbours(_ type: ResourceType, of change: CacheChange) -> [ObjectKey] {
        let namespaces = Set(change.keys.map(\.namespace))
        return self.world.caches[type].snapshot.keys.filter { namespaces.contains($0.namespace) }
    }

    private func loop(
        _ name: String, _ type: ResourceType, alsoOn others: Set<ResourceType>,
        _ reconcile: @escaping @Sendable (ObjectKey) async throws(KubeError) -> Date?
    ) -> ReconcileLoop<ObjectKey> {
        let backoff = Backoff(base: .milliseconds(50), cap: .seconds(5))
        return ReconcileLoop(
            name: name, informers: self.world.caches, workers: 4, backoff: backoff, logger: self.world.logger,
            keys: { change in
                if change.type == type { return Array(change.keys) }
                return others.contains(change.type) ? self.neighbours(type, of: change) : []
            },
            reconcile: { key in
                do throws(KubeError) {
                    guard let look = try await reconcile(key) else { return .done }
                    return .again(after: .seconds(max(0.01, look.timeIntervalSinceNow)))
                } catch {
                    return Self.outcome(of: error)
                }
            })
    }

    /// What is gone, made already or changed since is news that the caches are about to bring: nobody needs to be told.
    private static func outcome(of error: KubeError) -> ReconcileOutcome {
        switch error {
        case .notFound: .done
        case .alreadyExists, .conflict: .again(after: .milliseconds(100))
        default: .failed(ReconcileFailure(error))
        }
    }

    var replicaSets: ReconcileLoop<ObjectKey> {
        self.loop("replicasets", .replicaSets, alsoOn: [.pods]) { key throws(KubeError) in try await self.reconcileReplicaSet(key) }
    }

    var deployments: ReconcileLoop<ObjectKey> {
        self.loop("deployments", .deployments, alsoOn: [.replicaSets, .pods]) { key throws(KubeError) in
            try await self.reconcileDeployment(key)
        }
    }

    var endpointSlices: ReconcileLoop<ObjectKey> {
        self.loop("endpointslices", .services, alsoOn: [.pods, .endpointSlices]) { key throws(KubeError) in
            try await self.reconcileSlice(key)
            return nil
        }
    }

    var scheduler: ReconcileLoop<ObjectKey> {
        self.loop("scheduler", .pods, alsoOn: []) { key throws(KubeError) in
            try await self.schedule(key)
            return nil
        }
    }

    var namespaces: ReconcileLoop<ObjectKey> {
        let backoff = Backoff(base: .milliseconds(50), cap: .seconds(5))
        return ReconcileLoop(
            name: "namespaces", informers: self.world.caches, backoff: backoff, logger: self.world.logger,
            keys: { change in
                switch change.type {
                case .namespaces: Array(change.keys)
                case .serviceAccounts, .configMaps, .pods: Set(change.keys.compactMap(\.namespace)).map { ObjectKey(name: $0) }
                default: []
                }
            },
            reconcile: { key in
                do throws(KubeError) {
                    try await self.completeNamespace(key)
                    return .done
                } catch {
                    return Self.outcome(of: error)
                }
            })
    }

    // MARK: Reconciling

    private func reconcileReplicaSet(_ key: ObjectKey) async throws(KubeError) -> Date? {
        guard let replicaSet = self.world.object(.replicaSets, key) else { return nil }
        let uid = replicaSet.metadata.uid
        let pods = self.world.objects(.pods).filter { $0.metadata.controller?.uid == uid }
        let now = Date()
        let isBehind = self.expectations.byOwner.withLock { all in
            all[uid, default: Expectations()].observe(
                present: Set(pods.map(\.metadata.uid)), going: Set(pods.filter(\.metadata.isBeingDeleted).map(\.metadata.uid)), now: now)
            return all[uid]?.isBehind ?? false
        }
        let plan = ReplicaSetPlan(replicaSet, pods: pods, isCacheBehind: isBehind, now: now)
        if let status = plan.status { try await self.writeStatus(.replicaSets, replicaSet, status) }
        for _ in 0..<plan.create {
            let pod: KubeObject
            do {
                pod = try await self.world.client.create(.pods, ReplicaSetPlan.pod(of: replicaSet), fieldManager: "kube-controller-manager")
            } catch {
                guard case .forbidden(let status) = error else { throw error }
                // The ServiceAccount may come after the Deployment, and nothing of ours changes when it does.
                self.world.logger.info(
                    "pod not admitted yet", metadata: ["k8s.object": "\(replicaSet.displayName)", "reason": "\(status)"])
                return now.addingTimeInterval(1)
            }
            self.expectations.byOwner.withLock { $0[uid, default: Expectations()].willSee(pod.metadata.uid, now: now) }
            self.say("pod created", pod, why: "\(replicaSet.displayName) wants \(replicaSet.wantedReplicas)")
        }
        for pod in plan.delete {
            try await self.world.client.delete(.pods, pod.name, namespace: pod.namespace, preconditions: .init(uid: pod.metadata.uid))
            self.expectations.byOwner.withLock { $0[uid, default: Expectations()].willMiss(pod.metadata.uid, now: now) }
            self.say("pod deleted", pod, why: "\(replicaSet.displayName) wants \(replicaSet.wantedReplicas)")
        }
        // A look later in any case, should the cache never show what was expected.
        return isBehind ? now.addingTimeInterval(1) : plan.nextLook
    }

    private func reconcileDeployment(_ key: ObjectKey) async throws(KubeError) -> Date? {
        guard let deployment = self.world.object(.deployments, key) else { return nil }
        let uid = deployment.metadata.uid
        let replicaSets = self.world.objects(.replicaSets).filter { $0.metadata.controller?.uid == uid }
        let uids = Set(replicaSets.map(\.metadata.uid))
        let pods = self.world.objects(.pods).filter { $0.metadata.controller.map { uids.contains($0.uid) } ?? false }
        let plan = DeploymentPlan(deployment, replicaSets: replicaSets, pods: pods, now: Date())
        if let status = plan.status { try await self.writeStatus(.deployments, deployment, status) }
        if let replicaSet = plan.create {
            try await self.world.client.create(.replicaSets, replicaSet, fieldManager: "kube-controller-manager")
            self.say("ReplicaSet created", replicaSet, why: "\(deployment.displayName) has a new pod template")
        }
        for resize in plan.resize {
            // The version makes a step decided from an old look fail instead of undoing a newer one.
            try await self.world.client.patch(
                .merge, .replicaSets, resize.replicaSet.name, namespace: key.namespace,
                body: [
                    "metadata": ["resourceVersion": JSON(resize.replicaSet.metadata.resourceVersion ?? "")],
                    "spec": ["replicas": JSON(resize.replicas)],
                ], fieldManager: "kube-controller-manager")
            self.say(
                "ReplicaSet resized", resize.replicaSet,
                why: "\(deployment.displayName): from \(resize.replicaSet.wantedReplicas) to \(resize.replicas)")
        }
        if let revision = plan.revision {
            try await self.world.client.patch(
                .merge, .deployments, key.name, namespace: key.namespace,
                body: ["metadata": ["annotations": [DeploymentPlan.revisionAnnotation: JSON(revision)]]],
                fieldManager: "kube-controller-manager")
        }
        for old in plan.delete {
            try await self.world.client.delete(
                .replicaSets, old.name, namespace: key.namespace, preconditions: .init(uid: old.metadata.uid))
        }
        return plan.nextLook
    }

    private func reconcileSlice(_ key: ObjectKey) async throws(KubeError) {
        guard let service = self.world.object(.services, key) else { return }
        guard let wanted = EndpointSlicePlan.slice(for: service, pods: self.world.objects(.pods)) else { return }
        guard let current = self.world.object(.endpointSlices, wanted.key) else {
            try await self.world.client.create(.endpointSlices, wanted, fieldManager: "kube-controller-manager")
            return
        }
        guard !EndpointSlicePlan.isCurrent(current, wanted: wanted) else { return }
        var replacement = wanted
        replacement.metadata.resourceVersion = current.metadata.resourceVersion
        try await self.world.client.replace(.endpointSlices, replacement)
    }

    private func schedule(_ key: ObjectKey) async throws(KubeError) {
        guard let pod = self.world.object(.pods, key) else { return }
        switch Scheduling.decide(pod, nodeLabels: self.nodeLabels) {
        case .nothing: return
        case .bind:
            try await self.world.client.send(
                KubeRequest(
                    .post, ResourceType.pods.path(namespace: key.namespace, name: key.name, subresource: "binding"),
                    body: Scheduling.binding(pod, node: self.world.options.name)))
        case .unschedulable(let message):
            self.world.logger.warning("a pod fits no node", metadata: ["k8s.object": "Pod/\(key)", "reason": "\(message)"])
            let condition: JSON = [
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": JSON(message),
                "lastTransitionTime": JSON(Date().rfc3339),
            ]
            try await self.world.client.patch(
                .merge, .pods, key.name, namespace: key.namespace, subresource: "status",
                body: ["status": ["phase": "Pending", "conditions": [condition]]])
        }
    }

    private func completeNamespace(_ key: ObjectKey) async throws(KubeError) {
        guard let namespace = self.world.object(.namespaces, key) else { return }
        let pods = self.world.objects(.pods).filter { $0.namespace == key.name }
        let mounted = pods.flatMap { PodSpec($0.spec).objects }.filter { $0.kind == .configMap }.map(\.name)
        let missing = NamespaceDefaults.missing(
            in: namespace, accounts: Set(self.world.caches[.serviceAccounts].snapshot.keys),
            maps: self.world.caches[.configMaps].snapshot, mounted: Set(mounted), ca: self.world.client.config.tls.ca)
        for object in missing {
            guard let type = ResourceType.known(apiVersion: object.apiVersion, kind: object.kind) else { continue }
            try await self.world.client.apply(type, object, fieldManager: "kube-controller-manager")
        }
    }

    /// Replaces the status as a whole, so that counts that became zero disappear; somebody else's newer write is a conflict.
    private func writeStatus(_ type: ResourceType, _ object: KubeObject, _ status: JSON) async throws(KubeError) {
        var object = object
        object.status = status
        try await self.world.client.replace(type, object, subresource: "status")
    }

    private func say(_ sentence: Logger.Message, _ object: KubeObject, why: String) {
        self.world.logger.info(sentence, metadata: ["k8s.object": "\(object.kind)/\(object.key)", "reason": "\(why)"])
    }
}
