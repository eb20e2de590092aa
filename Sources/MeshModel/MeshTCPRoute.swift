package import JSONModel

/// Where connections from some proxies to some services go instead, in the newer form.
package struct MeshTCPRoute: TargetingPolicy {
    package static let kind = "MeshTCPRoute"

    package let name: String
    package let mesh: MeshName
    package let target: TargetRef
    package let rules: [Rule]
    package let ignoredFields: [String]

    package struct Rule: Hashable, Sendable {
        /// The service that is called.
        package let to: TargetRef
        /// Where connections go, by weight. Entries of weight 0 are left out. Nil: where they would go without this route.
        package let backends: [BackendRef]?
    }

    package init(name: String, mesh: String?, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec, at: "spec")
        self.name = name
        self.mesh = Self.mesh(mesh, fields)
        let target = fields.policyTarget()
        self.target = target
        self.rules = fields.objects("to").flatMap { item -> [Rule] in
            let to = item.calledService(from: target)
            let rules = item.objects("rules")
            if rules.count > 1 { item.violate("rules", "must have at most 1 items") }
            let backends = rules.map(Self.backends)
            guard let to else { return [] }
            return backends.isEmpty ? [Rule(to: to, backends: nil)] : backends.map { Rule(to: to, backends: $0) }
        }
        self.ignoredFields = fields.namesSections ? ["to[].targetRef.sectionName"] : []
        try Self.check(name: name, spec: spec, fields)
    }

    private static func backends(_ rule: Fields) -> [BackendRef] {
        guard let conf = rule.object("default"), !conf.objects("backendRefs").isEmpty else {
            rule.violate("default.backendRefs", "must be defined")
            return []
        }
        return conf.backendRefs()
    }
}
