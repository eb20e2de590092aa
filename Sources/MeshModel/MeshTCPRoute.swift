package import JSONModel

/// Where connections from some proxies to some services go instead, in the newer form.
package struct MeshTCPRoute: MeshResource {
    package static let kind = "MeshTCPRoute"
    package static let nestsSpec = true

    package let name: String
    package let mesh: MeshName
    /// The proxies whose connections are meant.
    package let target: TargetRef
    package let rules: [Rule]
    /// Fields in use that Egret accepts and does not act on, sorted.
    package let ignoredFields: [String]

    package struct Rule: Hashable, Sendable {
        /// The service that is called.
        package let to: TargetRef
        /// Where connections go, by weight. Entries of weight 0 are left out. Nil: where they would go without this route.
        package let backends: [Backend]?
    }

    package struct Backend: Hashable, Sendable {
        package let weight: Int
        package let reference: TargetRef
        /// Of a MeshExternalService, where several ports share its name.
        package let port: UInt16?
    }

    package init(name: String, mesh: String?, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec, at: "spec")
        self.name = name
        self.mesh = Self.mesh(mesh, fields)
        // Without one the whole mesh is meant, as since 2.8.
        let top = fields.object("targetRef")
        let target = top.map { $0.targetRef([.mesh, .meshSubset, .meshService, .meshServiceSubset, .meshGateway]) ?? TargetRef(.mesh) }
        self.target = target ?? TargetRef(.mesh)
        let called: Set<TargetRef.Kind> = self.target.kind == .meshGateway ? [.mesh] : [.meshService, .meshExternalService]
        self.rules = fields.objects("to").flatMap { item -> [Rule] in
            if !item.has("targetRef") { item.violate("targetRef.kind", "must be defined") }
            let to = item.object("targetRef").flatMap { $0.targetRef(called) }
            let rules = item.objects("rules")
            if rules.count > 1 { item.violate("rules", "must have at most 1 items") }
            let backends = rules.map(Self.backends)
            guard let to else { return [] }
            return backends.isEmpty ? [Rule(to: to, backends: nil)] : backends.map { Rule(to: to, backends: $0) }
        }
        let usesSections = fields.objects("to").contains { $0.object("targetRef")?.string("sectionName")?.isEmpty == false }
        self.ignoredFields = usesSections ? ["to[].targetRef.sectionName"] : []
        try Self.check(name: name, spec: spec, fields)
    }

    private static func backends(_ rule: Fields) -> [Backend] {
        guard let conf = rule.object("default"), conf.has("backendRefs") else {
            rule.violate("default.backendRefs", "must be defined")
            return []
        }
        let items = conf.objects("backendRefs")
        if items.isEmpty { conf.violate("backendRefs", "must be defined") }
        let backends = items.compactMap { item -> Backend? in
            let weight = item.int("weight") ?? 1
            if !(0...1_000_000).contains(weight) { item.violate("weight", "must be in the range [0, 1000000]") }
            let port = item.port("port")
            return item.targetRef([.meshService, .meshServiceSubset, .meshExternalService]).map {
                Backend(weight: weight, reference: $0, port: port)
            }
        }
        if !backends.isEmpty, backends.allSatisfy({ $0.weight == 0 }) {
            conf.violate("backendRefs", "there must be at least one entry with weight above 0")
        }
        return backends.filter { $0.weight > 0 }
    }
}
