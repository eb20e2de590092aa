import JSONModel
import KubeAPI
import MeshModel

/// The observed objects read into values and judged, once per plan.
struct World {
    let observed: Observed
    let meshes: [Judged<Mesh>]
    let egresses: [Judged<ZoneEgress>]
    let ingresses: [Judged<ZoneIngress>]
    let permissions: [Judged<MeshTrafficPermission>]
    let dataplanes: [Judged<Dataplane>]
    let externalServices: [Judged<ExternalService>]

    /// One object, what was read from it, and whether it counts.
    struct Judged<Resource: MeshResource> {
        let object: KubeObject
        /// Nil where the object cannot be read.
        let resource: Resource?
        var accepted: Verdict

        /// The resource, where it counts.
        var accountable: Resource? { self.accepted.isGood && !self.object.metadata.isBeingDeleted ? self.resource : nil }
    }

    /// Valid meshes by name.
    let soundMeshes: [MeshName: Mesh]

    // What several parts of a plan need, found once.

    /// By ZoneEgress.
    private(set) var egressPods: [String: [KubeObject]] = [:]
    private(set) var readyEgresses: [EgressEndpoint] = []
    private(set) var remoteIngresses: [RemoteIngress] = []
    private(set) var localInbounds: [MeshName: [String: [LocalInbound]]] = [:]
    private(set) var servedExternals: [MeshName: ExternalServices] = [:]
    /// By Dataplane.
    private(set) var outbounds: [ObjectKey: [PlannedOutbound]] = [:]

    init(_ observed: Observed) {
        self.observed = observed
        let reader = Reader(observed: observed)
        let meshes: [Judged<Mesh>] = reader.read(.meshes).map(Self.judge)
        let soundMeshes = Dictionary(
            meshes.compactMap { mesh in mesh.accountable.map { ($0.name, $0) } }, uniquingKeysWith: { first, _ in first })
        self.meshes = meshes
        self.soundMeshes = soundMeshes
        self.egresses = reader.readSystem(.zoneEgresses).map { Self.judge($0, observed.settings) }
        self.ingresses = reader.readSystem(.zoneIngresses).map { Self.judge($0, observed.settings) }
        self.permissions = reader.readSystem(.meshTrafficPermissions).map { Self.judge($0, soundMeshes) }
        self.dataplanes = reader.read(.dataplanes).map { Self.judge($0, soundMeshes, observed) }
        self.externalServices = reader.read(.externalServices).map { Self.judge($0, soundMeshes) }

        self.egressPods = self.findEgressPods()
        self.readyEgresses = self.findReadyEgresses()
        self.remoteIngresses = self.findRemoteIngresses()
        self.localInbounds = self.findLocalInbounds()
        for mesh in soundMeshes.values { self.servedExternals[mesh.name] = self.findExternalServices(of: mesh) }
        for judged in self.dataplanes {
            guard let dataplane = judged.accountable, let mesh = soundMeshes[dataplane.mesh] else { continue }
            self.outbounds[judged.object.key] = self.outbounds(of: dataplane, in: mesh)
        }
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
        self.observed.objects.sorted(type).map { object in
            // Kinds of 2.7 have their mesh at the top level, policies in a label.
            let mesh = object["mesh"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? object.metadata.labels["kuma.io/mesh"]
            do throws(InvalidResource) {
                let resource = try Resource(name: object.name, mesh: mesh, spec: object.spec)
                return World.Judged(object: object, resource: resource, accepted: .good(.accepted, "The spec is valid."))
            } catch {
                return World.Judged(object: object, resource: nil, accepted: Self.refused(error, object))
            }
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
