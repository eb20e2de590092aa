package import FoundationEssentials
package import KubeAPI
package import MeshModel
package import Routing

/// The whole world at one moment, as far as a plan depends on it. Filled from the caches, never from one event.
package struct Observed: Sendable {
    package var home: Home
    package var settings: EgretSettings
    package var systemNamespace: String
    /// The control plane's own Deployment, owner of what it makes for itself; nil where it runs outside of a cluster.
    package var controlPlane: OwnerReference?
    package var objects: Objects
    /// The CA certificates (PEM) of each mesh whose authority is there and sound.
    package var trust: [MeshName: String]
    /// Which authority of a mesh signs, as a word that changes with it.
    package var signers: [MeshName: String] = [:]
    /// What external services name as files, by path; empty where files are not read for them.
    package var files: [String: FileText] = [:]
    /// Why a mesh's authority cannot sign, in one sentence, where it is known.
    package var authorityProblems: [MeshName: String]
    /// Writes on behalf of ZoneEgresses and ZoneIngresses that will not succeed until a person acts.
    package var writeFailures: [ResourceType: [ObjectKey: WriteFailure]]
    /// What each proxy last said about the table it was sent.
    package var acknowledgements: [ProxyID: Acknowledgement]
    /// Proxies that are no pods and have a config stream open, or had one a moment ago.
    package var online: Set<ProxyID>
    package var now: Date
    /// Shared by the plans of one control plane; nil: each starts anew.
    package var memory: PlanMemory?

    package init(
        home: Home = .kubernetes, settings: EgretSettings, systemNamespace: String, controlPlane: OwnerReference? = nil,
        objects: Objects = Objects(),
        trust: [MeshName: String] = [:], authorityProblems: [MeshName: String] = [:],
        writeFailures: [ResourceType: [ObjectKey: WriteFailure]] = [:], acknowledgements: [ProxyID: Acknowledgement] = [:],
        online: Set<ProxyID> = [], now: Date
    ) {
        self.home = home
        self.settings = settings
        self.systemNamespace = systemNamespace
        self.controlPlane = controlPlane
        self.objects = objects
        self.trust = trust
        self.authorityProblems = authorityProblems
        self.writeFailures = writeFailures
        self.acknowledgements = acknowledgements
        self.online = online
        self.now = now
    }

    /// The kinds a plan looks at. Secrets are those of the system namespace; Pods and Services those of every namespace;
    /// Deployments and ServiceAccounts those of the system namespace.
    package static let types: [ResourceType] =
        ResourceType.kumaTypes + [.deployments, .services, .serviceAccounts, .pods, .secrets]
}

extension Observed {
    /// The proxies there may be: what they said is of interest, and nobody else's words are.
    package var proxies: [ProxyID] {
        var proxies = self.objects[.zoneEgresses].keys.map { ProxyID(.egress, $0.name) }
        proxies += self.objects[.zoneIngresses].keys.map { ProxyID(.ingress, $0.name) }
        switch self.home {
        case .kubernetes:
            for pod in self.objects[.pods].values {
                for kind in [ProxyID.Kind.egress, .ingress, .dataplane] { proxies.append(ProxyID(kind, pod: pod)) }
            }
        case .universal: proxies += self.objects[.dataplanes].keys.map(self.proxy(ofDataplane:))
        }
        return proxies
    }

    package func proxy(ofDataplane key: ObjectKey) -> ProxyID {
        switch self.home {
        case .kubernetes: ProxyID(.dataplane, "\(key.name).\(key.namespace ?? "")")
        case .universal: ProxyID(.dataplane, "\(key.namespace ?? "")/\(key.name)")
        }
    }
}

/// Objects by kind and key.
package struct Objects: Sendable {
    private var byType: [ResourceType: [ObjectKey: KubeObject]] = [:]

    package init() {}

    package init(_ objects: some Sequence<KubeObject>) {
        for object in objects {
            guard let type = ResourceType.known(apiVersion: object.apiVersion, kind: object.kind) else { continue }
            self.byType[type, default: [:]][object.key] = object
        }
    }

    /// All of one kind. The objects of a list response may lack `apiVersion` and `kind`; caches put them back.
    package subscript(_ type: ResourceType) -> [ObjectKey: KubeObject] {
        get { self.byType[type] ?? [:] }
        set { self.byType[type] = newValue }
    }

    package subscript(_ type: ResourceType, _ key: ObjectKey) -> KubeObject? { self.byType[type]?[key] }

    package subscript(_ type: ResourceType, namespace namespace: String?, name name: String) -> KubeObject? {
        self.byType[type]?[ObjectKey(namespace: namespace, name: name)]
    }

    /// In the order of their keys, so that plans are the same every time.
    package func sorted(_ type: ResourceType) -> [KubeObject] {
        (self.byType[type] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
    }
}

/// Why the API server did not take a write: in conflict with another manager, forbidden, or not valid.
package struct WriteFailure: Hashable, Sendable {
    package var reason: Reason
    package var sentence: String

    package init(reason: Reason, sentence: String) {
        self.reason = reason
        self.sentence = sentence
    }
}

/// One proxy. On Kubernetes its name is `<pod>.<namespace>`, elsewhere that of its resource, a dataplane's behind its mesh:
/// `<mesh>/<name>`.
package struct ProxyID: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    package enum Kind: String, Hashable, Sendable, Codable { case egress, ingress, dataplane }

    package var kind: Kind
    package var name: String

    package init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    package init(_ kind: Kind, pod: KubeObject) { self.init(kind, "\(pod.name).\(pod.namespace ?? "")") }

    package var description: String { "\(self.kind.rawValue) \(self.name)" }

    package static func < (left: Self, right: Self) -> Bool { (left.kind.rawValue, left.name) < (right.kind.rawValue, right.name) }
}

/// What a proxy said about its table.
package struct Acknowledgement: Hashable, Sendable {
    package var hash: String
    package var errors: [ItemError]
    /// By mesh.
    package var authorities: [String: AuthorityKeys]

    package init(hash: String, errors: [ItemError] = [], authorities: [String: AuthorityKeys] = [:]) {
        self.hash = hash
        self.errors = errors
        self.authorities = authorities
    }

    /// The meshes whose certificate the proxy has.
    package var certified: Set<String> { Set(self.authorities.filter { $0.value.issuer != nil }.keys) }
}
