import FoundationEssentials
import JSONModel
import KubeAPI
import MeshModel
import Routing

/// The observed objects read into values and judged, once per plan.
struct World {
    let observed: Observed
    let meshes: [Judged<Mesh>]
    let egresses: [Judged<ZoneEgress>]
    /// Of this zone.
    let ingresses: [Judged<ZoneIngress>]
    /// Of other zones.
    let foreignIngresses: [Judged<ZoneIngress>]
    let permissions: [Judged<MeshTrafficPermission>]
    let dataplanes: [Judged<Dataplane>]
    let externalServices: [Judged<ExternalService>]
    let meshExternalServices: [Judged<MeshExternalService>]
    let trafficPermissions: [Judged<TrafficPermission>]
    let trafficRoutes: [Judged<TrafficRoute>]
    let tcpRoutes: [Judged<MeshTCPRoute>]
    let httpRoutes: [Judged<MeshHTTPRoute>]
    let strategies: [Judged<MeshLoadBalancingStrategy>]

    let podDataplanes: PodDataplanes

    /// One object, what was read from it, and whether it counts.
    struct Judged<Resource: MeshResource> {
        let object: KubeObject
        /// Nil where the object cannot be read.
        let resource: Resource?
        var accepted: Verdict

        var created: Date { self.object.metadata.creationTimestamp ?? .distantPast }

        /// The resource, where it counts.
        var accountable: Resource? { self.accepted.isGood && !self.object.metadata.isBeingDeleted ? self.resource : nil }
    }

    /// Valid meshes by name.
    let soundMeshes: [MeshName: Mesh]

    // Policies that count, by their meshes, in the order of their names.

    let meshPermissions: [MeshName: [MeshTrafficPermission]]
    let tagPermissions: [MeshName: [(created: Date, permission: TrafficPermission)]]
    let tagRoutes: [MeshName: [TagRoute]]
    let connectionRoutes: [MeshName: [ConnectionRoute]]
    let strategiesByMesh: [MeshName: [MeshLoadBalancingStrategy]]

    // What several parts of a plan need, found once.

    /// Of those that the control plane runs, by their names.
    private(set) var proxyPods: [ZoneProxyRole: [String: [KubeObject]]] = [:]
    private(set) var readyEgresses: [EgressEndpoint] = []
    private(set) var remoteIngresses: [RemoteIngress] = []
    private(set) var remoteOffers: [MeshName: [String: [RemoteOffer]]] = [:]
    /// Whether or not they can be served.
    let externalsByMesh: [MeshName: (judged: [Judged<ExternalService>], names: Set<String>)]
    /// What proxies cannot use, in the order of the proxies.
    let rejections: [(proxy: ProxyID, error: ItemError)]
    /// Of all egresses, without the address they listen on; nil without any.
    private(set) var egressTable: ProxyConfig?
    /// Of all ingresses of this zone; nil without any.
    private(set) var ingressTable: ProxyConfig?
    /// What other zones may send here; empty without an ingress.
    private(set) var localOffers: [MeshName: [LocalOffer]] = [:]
    private(set) var localInbounds: [MeshName: [String: [LocalInbound]]] = [:]
    private(set) var servedExternals: [MeshName: ExternalServices] = [:]
    private(set) var servedMeshExternals: [MeshName: MeshExternalServices] = [:]
    /// By Dataplane.
    private(set) var outbounds: [ObjectKey: [PlannedOutbound]] = [:]
    /// What outbounds of dataplanes, MeshHTTPRoutes and MeshTCPRoutes lead to.
    private(set) var requestedSubsets: [MeshName: Set<Subset>] = [:]

    init(_ observed: Observed) {
        var observed = observed
        self.podDataplanes = PodDataplanes(observed)
        observed.objects[.dataplanes] = self.podDataplanes.objects
        self.observed = observed
        let reader = Reader(observed: observed)
        let meshes: [Judged<Mesh>] = reader.read(.meshes).map(Self.judge)
        let soundMeshes = Dictionary(
            meshes.compactMap { mesh in mesh.accountable.map { ($0.name, $0) } }, uniquingKeysWith: { first, _ in first })
        self.meshes = meshes
        self.soundMeshes = soundMeshes
        self.egresses = reader.readSystem(.zoneEgresses).map { Self.judge($0, observed) }
        let ingresses: [Judged<ZoneIngress>] = reader.readSystem(.zoneIngresses).map { Self.judge($0, observed) }
        self.ingresses = ingresses.filter { Self.isOwn($0.object, observed.settings) }
        self.foreignIngresses = ingresses.filter { !Self.isOwn($0.object, observed.settings) }
        self.permissions = reader.readSystem(.meshTrafficPermissions).map { Self.judge($0, soundMeshes) }
        self.dataplanes = reader.read(.dataplanes).map { Self.judge($0, soundMeshes, observed) }
        self.externalServices = reader.read(.externalServices).map { Self.judge($0, soundMeshes) }
        self.meshExternalServices = Self.decideNames(reader.readSystem(.meshExternalServices).map { Self.judge($0, soundMeshes) })
        self.trafficPermissions = reader.read(.trafficPermissions).map { Self.judge($0, soundMeshes) }
        self.trafficRoutes = reader.read(.trafficRoutes).map { Self.judge($0, soundMeshes) }
        self.tcpRoutes = reader.readSystem(.meshTCPRoutes).map { Self.judge($0, soundMeshes) }
        self.httpRoutes = reader.readSystem(.meshHTTPRoutes).map { Self.judge($0, soundMeshes) }
        self.strategies = reader.readSystem(.meshLoadBalancingStrategies).map { Self.judge($0, soundMeshes) }
        self.externalsByMesh = Dictionary(
            grouping: self.externalServices.filter { $0.accountable != nil }, by: { $0.accountable?.mesh ?? .default }
        ).mapValues { judged in (judged, Set(judged.compactMap { $0.accountable?.service.text })) }
        self.rejections = observed.acknowledgements.filter { !$0.value.errors.isEmpty }.sorted { $0.key < $1.key }.flatMap {
            proxy, answer in
            answer.errors.map { (proxy, $0) }
        }
        self.meshPermissions = Dictionary(grouping: self.permissions.compactMap(\.accountable), by: \.mesh)
        self.tagPermissions = Dictionary(
            grouping: self.trafficPermissions.compactMap { judged in judged.accountable.map { (judged.created, $0) } }, by: \.1.mesh)
        self.tagRoutes = Dictionary(
            grouping: self.trafficRoutes.compactMap { judged in
                judged.accountable.map { TagRoute(created: judged.created, route: $0) }
            }, by: \.route.mesh)
        let (httpRoutes, tcpRoutes) = (self.httpRoutes.compactMap(\.accountable), self.tcpRoutes.compactMap(\.accountable))
        self.connectionRoutes = Dictionary(
            grouping: httpRoutes.flatMap(\.connectionRoutes) + tcpRoutes.flatMap(\.connectionRoutes), by: \.mesh)
        self.strategiesByMesh = Dictionary(grouping: self.strategies.compactMap(\.accountable), by: \.mesh)

        for role in ZoneProxyRole.allCases { self.proxyPods[role] = self.findPods(role) }
        self.readyEgresses = self.findReadyEgresses()
        self.remoteIngresses = self.findRemoteIngresses()
        self.remoteOffers = self.findRemoteOffers()
        self.localInbounds = self.findLocalInbounds()
        for mesh in soundMeshes.values {
            self.servedExternals[mesh.name] = self.findExternalServices(of: mesh)
            self.servedMeshExternals[mesh.name] = self.findMeshExternalServices(of: mesh)
        }
        for judged in self.dataplanes {
            guard let dataplane = judged.accountable, let mesh = soundMeshes[dataplane.mesh] else { continue }
            self.outbounds[judged.object.key] = self.outbounds(of: dataplane, in: mesh)
            self.request((self.outbounds[judged.object.key] ?? []).flatMap(\.destinations), in: mesh.name)
        }
        for route in httpRoutes { self.request(route.allDestinations, in: route.mesh) }
        for route in tcpRoutes { self.request(route.allDestinations, in: route.mesh) }
        if self.egresses.contains(where: { $0.accountable != nil }) { self.egressTable = self.makeEgressTable() }
        if self.ingresses.contains(where: { $0.accountable != nil }) {
            self.localOffers = self.findLocalOffers()
            self.ingressTable = self.makeIngressTable()
        }
    }

    private mutating func request(_ destinations: [Destination], in mesh: MeshName) {
        for case .subset(let subset) in destinations { self.requestedSubsets[mesh, default: []].insert(subset) }
    }

    func mesh(_ name: MeshName) -> Mesh? { self.soundMeshes[name] }

    /// Valid meshes in order.
    var sortedMeshes: [Mesh] { self.soundMeshes.values.sorted { $0.name < $1.name } }

    static func meshNotFound(_ mesh: MeshName) -> Verdict {
        .waiting(.meshNotFound, "There is no valid Mesh \(mesh). Next: kubectl get mesh \(mesh)")
    }

    /// Says which accepted fields do nothing.
    static func accepted(_ sentence: String, ignoring fields: [String]) -> Verdict {
        fields.isEmpty
            ? .good(.accepted, sentence)
            : .good(.accepted, "\(sentence) Accepted and not acted on: \(fields.joined(separator: ", ")).")
    }
}

/// From objects to resources.
private struct Reader {
    let observed: Observed

    func read<Resource: MeshResource>(_ type: ResourceType) -> [World.Judged<Resource>] {
        let known = self.observed.memory?.readings(type) ?? [:]
        var readings: [ObjectKey: PlanMemory.Reading] = [:]
        let found = self.observed.objects.sorted(type).map { object in
            if let reading = known[object.key], reading.object == object, let judged = reading.judged as? World.Judged<Resource> {
                readings[object.key] = reading
                return judged
            }
            let judged: World.Judged<Resource> = Self.read(object)
            readings[object.key] = PlanMemory.Reading(object: object, judged: judged)
            return judged
        }
        self.observed.memory?.keep(readings, type)
        return found
    }

    private static func read<Resource: MeshResource>(_ object: KubeObject) -> World.Judged<Resource> {
        // Kinds of 2.7 have their mesh at the top level, policies in a label.
        let mesh = object["mesh"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? object.metadata.labels["kuma.io/mesh"]
        do throws(InvalidResource) {
            let resource = try Resource(name: Replicas.name(of: object), mesh: mesh, spec: object.spec)
            return World.Judged(object: object, resource: resource, accepted: .good(.accepted, "The spec is valid."))
        } catch {
            return World.Judged(object: object, resource: nil, accepted: Self.refused(error, object))
        }
    }

    /// Kinds that count in the system namespace only.
    func readSystem<Resource: MeshResource>(_ type: ResourceType) -> [World.Judged<Resource>] {
        self.read(type).map { (judged: World.Judged<Resource>) in
            if self.observed.home == .universal || judged.object.namespace == self.observed.systemNamespace { return judged }
            var judged = judged
            judged.accepted = .needsPerson(
                .wrongNamespace,
                "A \(Resource.kind) counts only in the namespace \(self.observed.systemNamespace). Next: create it there and delete this one."
            )
            return judged
        }
    }

    private static func refused(_ error: InvalidResource, _ object: KubeObject) -> Verdict {
        if let violation = error.violations.first(where: { $0.field == "mtls" && $0.message == "has to be set when zoneEgress enabled" }) {
            return .needsPerson(
                .mtlsRequired,
                "\(violation.description): routing.zoneEgress needs mTLS, so the mesh is not served. Next: set spec.mtls.enabledBackend and spec.mtls.backends, or routing.zoneEgress: false."
            )
        }
        let place = object.namespace.map { " -n \($0)" } ?? ""
        return .needsPerson(
            .invalidSpec, "\(error.description). Next: kubectl edit \(object.kind.lowercased()) \(object.name)\(place)")
    }
}
