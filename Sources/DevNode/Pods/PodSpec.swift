import JSONModel

/// What the kubelet reads of a pod's spec. The API server has validated and defaulted it; what is missing all the same
/// gets Kubernetes' default here.
struct PodSpec: Hashable, Sendable {
    enum RestartPolicy: String, Hashable, Sendable {
        case always = "Always"
        case onFailure = "OnFailure"
        case never = "Never"
    }

    var initContainers: [ContainerSpec]
    var containers: [ContainerSpec]
    var volumes: [VolumeSpec]
    var restartPolicy: RestartPolicy
    var terminationGrace: Duration
    var serviceAccountName: String
    var automountServiceAccountToken: Bool?
    var hostAliases: [HostAlias]

    struct HostAlias: Hashable, Sendable {
        var address: String
        var names: [String]
    }

    init(_ spec: JSON) {
        self.initContainers = spec["initContainers"].elements.map(ContainerSpec.init)
        self.containers = spec["containers"].elements.map(ContainerSpec.init)
        self.volumes = spec["volumes"].elements.map(VolumeSpec.init)
        self.restartPolicy = spec["restartPolicy"]?.string.flatMap(RestartPolicy.init) ?? .always
        self.terminationGrace = .seconds(spec["terminationGracePeriodSeconds"]?.int ?? 30)
        self.serviceAccountName = spec["serviceAccountName"]?.string ?? "default"
        self.automountServiceAccountToken = spec["automountServiceAccountToken"]?.bool
        self.hostAliases = spec["hostAliases"].elements.map {
            HostAlias(address: $0["ip"]?.string ?? "", names: $0["hostnames"].strings)
        }
    }

    var everyContainer: [ContainerSpec] { self.initContainers + self.containers }
}

extension JSON? {
    /// The elements of an array, none where there is no array.
    var elements: [JSON] { self?.array ?? [] }
    var strings: [String] { self.elements.compactMap(\.string) }
    var members: [String: JSON] { self?.object ?? [:] }
    var stringMembers: [String: String] { self.members.compactMapValues(\.string) }
}
