package import JSONModel

/// How connections of some proxies to some services are spread over instances: which zones serve, and in which order.
package struct MeshLoadBalancingStrategy: TargetingPolicy {
    package static let kind = "MeshLoadBalancingStrategy"

    package let name: String
    package let mesh: MeshName
    /// The proxies whose connections are meant.
    package let target: TargetRef
    package let items: [Item]
    /// Fields in use that Egret accepts and does not act on, sorted.
    package let ignoredFields: [String]

    package struct Item: Hashable, Sendable {
        /// The services that are called.
        package let to: TargetRef
        /// Nil where it says nothing about zones.
        package let locality: LocalityAwareness?
    }

    package struct LocalityAwareness: Hashable, Sendable {
        package var isDisabled: Bool?
        package var localZone: LocalZone?
        package var crossZone: CrossZone?

        /// This one, and from the other what it leaves open.
        package func completed(by other: Self) -> Self {
            Self(
                isDisabled: self.isDisabled ?? other.isDisabled,
                localZone: self.localZone.map { LocalZone(affinityTags: $0.affinityTags ?? other.localZone?.affinityTags) }
                    ?? other.localZone,
                crossZone: self.crossZone.map { zones in
                    CrossZone(
                        failover: zones.failover ?? other.crossZone?.failover, threshold: zones.threshold ?? other.crossZone?.threshold)
                } ?? other.crossZone)
        }
    }

    package struct LocalZone: Hashable, Sendable {
        package let affinityTags: [AffinityTag]?
    }

    /// Instances whose value of a tag is the caller's own.
    package struct AffinityTag: Hashable, Sendable {
        package let key: String
        package let weight: Int
    }

    package struct CrossZone: Hashable, Sendable {
        package let failover: [Failover]?
        /// Percent, from 1 to 100.
        package let threshold: Int?

        package static let defaultThreshold = 50
    }

    package struct Failover: Hashable, Sendable {
        /// The zones of callers; nil: all.
        package let from: Set<String>?
        package let to: Zones

        package func isAbout(callersIn zone: String) -> Bool { self.from?.contains(zone) ?? true }
    }

    package enum Zones: Hashable, Sendable {
        case none
        case only(Set<String>)
        case any
        case anyExcept(Set<String>)

        package func contains(_ zone: String) -> Bool {
            switch self {
            case .none: false
            case .only(let zones): zones.contains(zone)
            case .any: true
            case .anyExcept(let zones): !zones.contains(zone)
            }
        }
    }

    package init(name: String, mesh: String?, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec, at: "spec")
        self.name = name
        self.mesh = Self.mesh(mesh, fields)
        self.target = fields.policyTarget()
        var ignored: Set<String> = []
        self.items = fields.objects("to").compactMap { item in
            if !item.has("targetRef") { item.violate("targetRef.kind", "must be defined") }
            let reference = item.object("targetRef")
            if reference?.string("sectionName")?.isEmpty == false { ignored.insert("to[].targetRef.sectionName") }
            let conf = item.object("default")
            if let balancer = conf?.object("loadBalancer"), let unused = Self.checkBalancer(balancer) { ignored.insert(unused) }
            let locality = conf?.object("localityAwareness").map(Self.locality)
            return reference?.targetRef([.mesh, .meshService]).map { Item(to: $0, locality: locality) }
        }
        self.ignoredFields = ignored.sorted()
        try Self.check(name: name, spec: spec, fields)
    }

    private static func locality(_ fields: Fields) -> LocalityAwareness {
        LocalityAwareness(
            isDisabled: fields.bool("disabled"),
            localZone: fields.object("localZone").map { zone in
                LocalZone(affinityTags: zone.has("affinityTags") ? Self.affinityTags(zone.objects("affinityTags")) : nil)
            },
            crossZone: fields.object("crossZone").map { zones in
                CrossZone(
                    failover: zones.has("failover") ? zones.objects("failover").compactMap(Self.failover) : nil,
                    threshold: zones.object("failoverThreshold").flatMap(Self.threshold))
            })
    }

    private static func affinityTags(_ items: [Fields]) -> [AffinityTag] {
        items.enumerated().map { position, item in
            let key = item.string("key") ?? ""
            if key.isEmpty { item.violate("key", "must not be empty") }
            let weight = item.int("weight")
            if let weight, weight <= 0 { item.violate("weight", "must be greater than 0") }
            // As Kuma has it: nine tenths of the connections for the first, of what is left nine tenths for the next. Bounded, so
            // that it is a number.
            let usual = (1..<min(items.count - position, 16)).reduce(9) { product, _ in product * 10 }
            return AffinityTag(key: key, weight: weight ?? usual)
        }
    }

    private static func failover(_ item: Fields) -> Failover? {
        let from = item.object("from").map { from in
            let zones = from.strings("zones") ?? []
            if zones.isEmpty { from.violate("zones", "must not be empty") }
            for (index, zone) in zones.enumerated() where zone.isEmpty { from.violate("zones[\(index)]", "must not be empty") }
            return Set(zones)
        }
        let to = item.object("to")
        let zones = Set(to?.strings("zones") ?? [])
        switch to?.string("type") {
        case "None": return Failover(from: from, to: .none)
        case "Only": return Failover(from: from, to: .only(zones))
        case "Any": return Failover(from: from, to: .any)
        case "AnyExcept": return Failover(from: from, to: .anyExcept(zones))
        default:
            item.violate("to.type", "unrecognized type; has to be one of None, Only, Any, AnyExcept")
            return nil
        }
    }

    /// Parts of a percent are rounded up: a threshold never becomes none.
    private static func threshold(_ fields: Fields) -> Int? {
        if !fields.has("percentage") { fields.violate("percentage", "must be defined") }
        guard let percentage = fields.decimal("percentage") else { return nil }
        guard (0...100).contains(percentage) else {
            fields.violate("percentage", "must be in inclusive range [0.0, 100.0]")
            return nil
        }
        if percentage == 0 { fields.violate("percentage", "must be greater than 0") }
        return Int(percentage.rounded(.up))
    }
}
