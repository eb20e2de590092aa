import JSONModel

struct ContainerSpec: Hashable, Sendable {
    var name: String
    var image: String
    var command: [String]
    var arguments: [String]
    var workingDirectory: String?
    var environment: [EnvironmentEntry]
    var environmentSources: [EnvironmentSource]
    var mounts: [VolumeMount]
    var ports: [ContainerPort]
    /// Resource name to quantity, as written.
    var limits: [String: String]
    var requests: [String: String]
    var probes: [Probe.Kind: Probe]
    var preStop: Probe.Check?

    init(_ container: JSON) {
        self.name = container["name"]?.string ?? ""
        self.image = container["image"]?.string ?? ""
        self.command = container["command"].strings
        self.arguments = container["args"].strings
        self.workingDirectory = container["workingDir"]?.string
        self.ports = container["ports"].elements.map(ContainerPort.init)
        self.environment = container["env"].elements.map(EnvironmentEntry.init)
        self.environmentSources = container["envFrom"].elements.compactMap(EnvironmentSource.init)
        self.mounts = container["volumeMounts"].elements.map(VolumeMount.init)
        self.limits = Self.quantities(container.at("resources", "limits"))
        self.requests = Self.quantities(container.at("resources", "requests"))
        self.probes = [:]
        for kind in Probe.Kind.allCases {
            self.probes[kind] = container[kind.rawValue].flatMap { Probe($0, ports: self.ports) }
        }
        self.preStop = container.at("lifecycle", "preStop").flatMap { Probe.Check($0, ports: self.ports) }
    }

    private static func quantities(_ json: JSON?) -> [String: String] {
        json.members.compactMapValues { $0.string ?? $0.int.map(String.init) }
    }
}

struct ContainerPort: Hashable, Sendable {
    var name: String?
    var number: Int
    var transport: String

    init(_ port: JSON) {
        self.name = port["name"]?.string
        self.number = port["containerPort"]?.int ?? 0
        self.transport = port["protocol"]?.string ?? "TCP"
    }
}

struct VolumeMount: Hashable, Sendable {
    var volume: String
    var path: String
    var subPath: String?
    var readOnly: Bool

    init(volume: String, path: String, subPath: String? = nil, readOnly: Bool) {
        self.volume = volume
        self.path = path
        self.subPath = subPath
        self.readOnly = readOnly
    }

    init(_ mount: JSON) {
        self.init(
            volume: mount["name"]?.string ?? "", path: mount["mountPath"]?.string ?? "", subPath: mount["subPath"]?.string,
            readOnly: mount["readOnly"]?.bool ?? false)
    }
}
