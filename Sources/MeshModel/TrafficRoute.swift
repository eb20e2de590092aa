package import JSONModel

/// Where connections from some proxies to some services go instead, in the older form.
package struct TrafficRoute: MeshResource {
    package static let kind = "TrafficRoute"

    package let name: String
    package let mesh: MeshName
    package let sources: [TagSelector]
    package let destinations: [TagSelector]
    /// Where connections go, by weight; one of weight 1 for a single destination. Entries of weight 0 are left out.
    package let split: [Share]
    /// Where requests that match an `http` rule would go: destinations the egress has to know, and nothing more.
    package let requestDestinations: [TagSelector]
    /// 2.7 fields in use that Egret accepts and does not act on, sorted.
    package let ignoredFields: [String]

    package struct Share: Hashable, Sendable {
        package let weight: Int
        /// `*` as a value stands for that of the connection's own outbound.
        package let destination: TagSelector
    }

    package init(name: String, mesh: String?, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec)
        self.name = name
        self.mesh = Self.mesh(mesh, fields)
        self.sources = fields.selectors("sources", .service)
        self.destinations = fields.selectors("destinations", .onlyService)
        let conf = fields.object("conf")
        if conf == nil { fields.violate("conf", "cannot be empty") }
        self.split = conf.map { Self.split($0) } ?? []
        self.requestDestinations =
            conf?.objects("http").flatMap { rule -> [TagSelector] in
                Self.checkMatch(rule)
                Self.checkModify(rule)
                return Self.split(rule).map(\.destination)
            } ?? []
        if let balancer = conf?.object("loadBalancer") { Self.checkBalancer(balancer) }
        self.ignoredFields = ["http", "loadBalancer"].filter { conf?.has($0) == true }.map { "conf.\($0)" }
        try Self.check(name: name, spec: spec, fields)
    }

    private static func split(_ fields: Fields) -> [Share] {
        guard fields.has("split") || fields.has("destination") else {
            fields.violate("", "requires either \"destination\" or \"split\"")
            return []
        }
        if fields.has("split"), fields.has("destination") {
            fields.violate("", "\"split\" cannot be defined at the same time as \"destination\"")
        }
        if fields.has("destination") { return [Share(weight: 1, destination: fields.selector("destination", .service))] }
        let entries = fields.objects("split")
        if entries.isEmpty { fields.violate("split", "must have at least one element") }
        let shares = entries.map { entry -> Share in
            let weight = entry.int("weight")
            if weight == nil { entry.violate("weight", "needs to be defined") }
            if let weight, !(0...1_000_000).contains(weight) { entry.violate("weight", "must be in the range [0, 1000000]") }
            return Share(weight: weight ?? 0, destination: entry.selector("destination", .service))
        }
        if !entries.isEmpty, shares.allSatisfy({ $0.weight == 0 }) {
            fields.violate("split", "there must be at least one split entry with weight above 0")
        }
        return shares.filter { $0.weight > 0 }
    }
}
