package import FoundationEssentials
import Identity
package import KubeAPI
package import KubeRuntime
package import MeshModel
package import Planning
import Synchronization

/// The caches: which collections the control plane watches, and how they become what a plan is made from.
package struct WorldReader: WorldSource {
    package let informers: InformerGroup
    /// What proxies said to each replica.
    private let reports: Informer
    private let reportReader = ReportReader()
    package let namespace: String
    /// The name of the object in which this replica tells the others.
    private let ownReport: String
    private let acknowledgements: AcknowledgementBook
    private let writeFailures: WriteFailureBook
    private let presence: Presence
    private let authorityCache = AuthorityCache()

    /// Kinds watched in every namespace; everything else is watched in the system namespace only.
    private static let everywhere: Set<ResourceType> = Set(ResourceType.kumaTypes + [.pods, .services])
    private static let types = Observed.types + [.replicaSets, .configMaps]

    package init(
        client: KubeClient, namespace: String, identity: String, acknowledgements: AcknowledgementBook, writeFailures: WriteFailureBook,
        presence: Presence
    ) {
        self.presence = presence
        self.namespace = namespace
        self.ownReport = AcknowledgementReport.name(ofReplica: identity)
        self.acknowledgements = acknowledgements
        self.writeFailures = writeFailures
        let reports = Informer(.configMaps, client: client, namespace: namespace, selector: AcknowledgementReport.selector)
        self.reports = reports
        // Last: the group finds the settings first under the type that both have.
        self.informers = InformerGroup(
            Self.types.map { type in
                Informer(
                    type, client: client, namespace: Self.everywhere.contains(type) ? nil : namespace,
                    selector: type == .configMaps ? .named(SettingsReader.configMapName) : .all)
            } + [reports])
    }

    package func object(_ type: ResourceType, _ key: ObjectKey) -> KubeObject? { self.informers[type].object(key) }

    package func objects(_ type: ResourceType) -> [KubeObject] {
        self.informers[type].snapshot.sorted { $0.key < $1.key }.map(\.value)
    }

    package func waitUntilRead() async throws(CancellationError) { try await self.informers.waitUntilSynchronised() }

    package func changes() -> any AsyncSequence<Void, Never> & Sendable { self.informers.changes().map { _ in () } }

    package func readSettings(_ settings: inout SettingsReader) -> Bool {
        settings.read(self.object(.configMaps, SettingsReader.configMapName), namespace: self.namespace)
    }

    package func observed(settings: EgretSettings, now: Date) -> (observed: Observed, authorities: MeshAuthorities, meshes: [Mesh]) {
        var objects = Objects()
        for type in Observed.types { objects[type] = self.informers[type].snapshot }
        let meshes = objects.sorted(.meshes).compactMap { try? Mesh(name: $0.name, spec: $0.spec) }
        var authorities = MeshAuthorities(
            meshes: meshes, secrets: objects[.secrets], namespace: self.namespace, cache: self.authorityCache)
        for (key, failure) in self.writeFailures.failures(of: .meshes) {
            if let mesh = try? MeshName(key.name) { authorities.problems[mesh] = failure.sentence }
        }
        let reports = self.reports.snapshot
        self.reportReader.read(reports, into: self.acknowledgements)
        let others = AcknowledgementReport.streams(
            reports.filter { $0.key.name != self.ownReport }.values, pods: objects[.pods])
        self.presence.miss(self.acknowledgements.takeStreams(ofOthers: others), now: now)
        let online = self.presence.online(at: now)
        // Those that are pods are watched as such by everybody.
        self.acknowledgements.hold(
            online.filter { proxy in
                proxy.kind.role.map { objects[$0.type, namespace: self.namespace, name: proxy.name] != nil } ?? false
            })
        let owner = objects[.deployments, namespace: self.namespace, name: "egret-control-plane"]
        var observed = Observed(
            settings: settings, systemNamespace: self.namespace, controlPlane: owner.map { OwnerReference(controller: $0) },
            objects: objects, trust: authorities.trust, authorityProblems: authorities.problems,
            writeFailures: Dictionary(
                uniqueKeysWithValues: ZoneProxyRole.allCases.map { ($0.type, self.writeFailures.failures(of: $0.type)) }),
            acknowledgements: self.acknowledgements.all,
            online: online.union(self.acknowledgements.othersStreams), now: now)
        observed.signers = authorities.signers
        return (observed, authorities, meshes)
    }

    /// What admission may know about a pod.
    package func evidence(_ key: ObjectKey) -> AdmissionEvidence {
        func owner(of object: KubeObject?, _ type: ResourceType) -> KubeObject? {
            guard let object, let reference = object.metadata.controller, reference.kind == type.kind else { return nil }
            return self.object(type, ObjectKey(namespace: object.namespace, name: reference.name))
        }
        let pod = self.object(.pods, key)
        let replicaSet = owner(of: pod, .replicaSets)
        let deployment = owner(of: replicaSet, .deployments)
        return AdmissionEvidence(
            systemNamespace: self.namespace, pod: pod, replicaSet: replicaSet, deployment: deployment,
            zoneProxy: owner(of: deployment, .zoneEgresses) ?? owner(of: deployment, .zoneIngresses),
            dataplane: self.object(.dataplanes, key))
    }
}

/// Reads what replicas published, each version once.
private final class ReportReader: Sendable {
    private let versions = Mutex<[ObjectKey: String]>([:])

    func read(_ reports: [ObjectKey: KubeObject], into book: AcknowledgementBook) {
        for (key, report) in reports {
            let version = report.metadata.resourceVersion ?? ""
            if self.versions.withLock({ $0.updateValue(version, forKey: key) }) != version { book.take(AcknowledgementReport.read(report)) }
        }
    }
}
