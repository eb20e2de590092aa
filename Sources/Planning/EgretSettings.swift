package import JSONModel
package import MeshModel
package import Routing

/// The control plane's settings: ConfigMap `egret-config`, key `config.yaml`, read as JSON.
package struct EgretSettings: Hashable, Sendable {
    package var zone: String
    package var egress = ZoneProxy()
    package var ingress = ZoneProxy(service: Service(type: "LoadBalancer", port: 10001))
    /// Where the host names of ExternalServices may lead, from whichever proxy dials them.
    package var resolvedAddresses = AddressRules(deny: Self.neverMeant)
    package var dataPlane: DataPlaneImage
    package var tokens = TokenSettings()
    package var standing = Standing.alone

    /// Where this control plane stands among others.
    package enum Standing: Hashable, Sendable {
        case alone
        /// Of a zone that has a global control plane.
        case zone(of: GlobalControlPlaneAddress)
        case global
    }

    package subscript(_ role: ZoneProxyRole) -> ZoneProxy {
        switch role {
        case .egress: self.egress
        case .ingress: self.ingress
        }
    }

    /// What a name on the internet is never meant to lead to: this machine, its link with the clouds' metadata services,
    /// groups, nowhere. Private networks are not here: that is where many external services live.
    private static let neverMeant = [
        "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "100.100.100.200/32", "::/128",
        "::1/128", "fe80::/10", "ff00::/8", "fd00:ec2::254/128", "fd20:ce::254/128",
    ]

    /// How the egresses or ingresses of this zone run that the control plane runs.
    package struct ZoneProxy: Hashable, Sendable {
        package var isEnabled = false
        package var replicas = 1
        package var drainTime: Duration = .seconds(30)
        package var logLevel = "info"
        package var service: Service
        package var podAnnotations: [String: String] = [:]
        package var extraLabels: [String: String] = [:]
        package var nodeSelector: [String: String] = ["kubernetes.io/os": "linux"]
        package var tolerations: JSON = []
        package var affinity: JSON = [:]
        package var resources: JSON = [
            "requests": ["cpu": "50m", "memory": "64Mi"], "limits": ["cpu": "1000m", "memory": "512Mi"],
        ]

        package init(service: Service = Service()) { self.service = service }
    }

    package struct Service: Hashable, Sendable {
        package var type: String
        package var port: Int
        package var annotations: [String: String] = [:]

        package init(type: String = "ClusterIP", port: Int = 10002) {
            self.type = type
            self.port = port
        }
    }

    package struct DataPlaneImage: Hashable, Sendable {
        package var image = "ghcr.io/egret-mesh/egret-dp:0.1.0"
        package var pullPolicy = "IfNotPresent"

        package init() {}
    }

    package init(zone: String = "default", dataPlane: DataPlaneImage = DataPlaneImage()) {
        self.zone = zone
        self.dataPlane = dataPlane
    }

    /// Reads the file, naming everything that is wrong with it. Absent fields have their defaults; unknown ones are
    /// refused, because a misspelt switch that is silently off is worse than an error.
    package init(_ json: JSON) throws(InvalidResource) {
        let fields = Fields(json)
        self.init()
        fields.refuseUnknown(["zone", "globalAddress", "globalTokenSecret", "egress", "ingress", "dataPlane", "dpServer", "apiServer"])
        self.tokens = TokenSettings(fields)
        if let zone = fields.string("zone") {
            do { self.zone = try ZoneName(zone).text } catch { fields.violate("zone", error.message) }
        }
        if let global = fields.nonEmpty("globalAddress") {
            do {
                self.standing = .zone(
                    of: try GlobalControlPlaneAddress(
                        global, tokenSecret: fields.nonEmpty("globalTokenSecret") ?? GlobalControlPlaneAddress.defaultTokenSecret))
            } catch {
                fields.violate("globalAddress", error.message)
            }
        }
        if let egress = fields.object("egress") {
            self.egress.read(egress, json["egress"] ?? [:], besides: ["resolvedAddresses"])
            if let rules = egress.object("resolvedAddresses") {
                rules.refuseUnknown(["deny", "allow"])
                self.resolvedAddresses.deny = Self.blocks("deny", rules) ?? self.resolvedAddresses.deny
                self.resolvedAddresses.allow = Self.blocks("allow", rules) ?? self.resolvedAddresses.allow
            }
        }
        if let ingress = fields.object("ingress") { self.ingress.read(ingress, json["ingress"] ?? [:]) }
        if let dataPlane = fields.object("dataPlane") {
            dataPlane.refuseUnknown(["image", "imagePullPolicy"])
            self.dataPlane.image = dataPlane.nonEmpty("image") ?? self.dataPlane.image
            self.dataPlane.pullPolicy =
                dataPlane.choice("imagePullPolicy", ["Always", "IfNotPresent", "Never"]) ?? self.dataPlane.pullPolicy
        }
        if !fields.violations.isEmpty { throw InvalidResource(fields.violations) }
    }

    private static func blocks(_ key: String, _ fields: Fields) -> [String]? {
        guard let blocks = fields.strings(key) else { return nil }
        for text in AddressBlocks(AddressRules(deny: blocks)).unreadable {
            fields.violate(key, "\"\(text)\" is no block such as 10.0.0.0/8 or fc00::/7")
        }
        return blocks
    }
}

extension EgretSettings.ZoneProxy {
    private static let fields: Set<String> = [
        "enabled", "replicas", "drainTime", "logLevel", "service", "podAnnotations", "extraLabels", "nodeSelector", "tolerations",
        "affinity", "resources",
    ]

    /// - Parameter others: fields that somebody else reads.
    fileprivate mutating func read(_ fields: Fields, _ json: JSON, besides others: Set<String> = []) {
        fields.refuseUnknown(Self.fields.union(others))
        self.isEnabled = fields.bool("enabled") ?? self.isEnabled
        if let replicas = fields.int("replicas") {
            if (0...1000).contains(replicas) {
                self.replicas = replicas
            } else {
                fields.violate("replicas", "must be in the range [0, 1000]; is \(replicas)")
            }
        }
        if let drainTime = fields.duration("drainTime") {
            if drainTime <= .seconds(86_400) { self.drainTime = drainTime } else { fields.violate("drainTime", "cannot be longer than 1d") }
        }
        self.logLevel = fields.choice("logLevel", ["debug", "info", "notice", "warning", "error"]) ?? self.logLevel
        self.podAnnotations = fields.stringMap("podAnnotations") ?? self.podAnnotations
        self.extraLabels = fields.stringMap("extraLabels") ?? self.extraLabels
        self.nodeSelector = fields.stringMap("nodeSelector") ?? self.nodeSelector
        _ = fields.objects("tolerations")
        _ = fields.object("affinity")
        _ = fields.object("resources")
        self.tolerations = fields.has("tolerations") ? json["tolerations"] ?? [] : self.tolerations
        self.affinity = fields.has("affinity") ? json["affinity"] ?? [:] : self.affinity
        self.resources = fields.has("resources") ? json["resources"] ?? [:] : self.resources
        if let service = fields.object("service") {
            service.refuseUnknown(["type", "port", "annotations"])
            self.service.type = service.choice("type", ["ClusterIP", "NodePort", "LoadBalancer"]) ?? self.service.type
            self.service.port = service.port("port").map(Int.init) ?? self.service.port
            self.service.annotations = service.stringMap("annotations") ?? self.service.annotations
        }
    }
}
