package import JSONModel

/// Where requests from some proxies to some services go instead.
///
/// Egret relays connections and reads no requests: a rule about every request says where connections go. Where other rules and
/// mirrors lead is what the egress has to know for callers that do read requests, and nothing more.
package struct MeshHTTPRoute: TargetingPolicy {
    package static let kind = "MeshHTTPRoute"

    package let name: String
    package let mesh: MeshName
    package let target: TargetRef
    package let to: [To]
    package let ignoredFields: [String]

    package struct To: Hashable, Sendable {
        /// The service that is called.
        package let service: TargetRef
        /// The first that matches a request decides.
        package let rules: [Rule]
    }

    package struct Rule: Hashable, Sendable {
        /// One of its matches is about all requests.
        package let isAboutEverything: Bool
        /// Where requests go, by weight. Entries of weight 0 are left out. Empty: where they would go without this rule.
        package let backends: [BackendRef]
        /// Where copies of requests go.
        package let mirrors: [BackendRef]
        let hasFilters: Bool
    }

    package init(name: String, mesh: String?, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec, at: "spec")
        self.name = name
        self.mesh = Self.mesh(mesh, fields)
        let target = fields.policyTarget()
        self.target = target
        self.to = fields.objects("to").compactMap { item -> To? in
            let service = item.calledService(from: target)
            let hostnames = item.strings("hostnames") ?? []
            if target.kind != .meshGateway, !hostnames.isEmpty { item.violate("hostnames", "must not be defined") }
            let rules = item.objects("rules").map { Self.rule($0, of: target) }
            return service.map { To(service: $0, rules: rules) }
        }
        let rules = self.to.flatMap(\.rules)
        let ignored = [
            "to[].rules[].default.filters": rules.contains(where: \.hasFilters),
            "to[].rules[].matches": !rules.allSatisfy(\.isAboutEverything),
            "to[].targetRef.sectionName": fields.namesSections,
        ]
        self.ignoredFields = ignored.filter(\.value).keys.sorted()
        try Self.check(name: name, spec: spec, fields)
    }

    private static func rule(_ rule: Fields, of target: TargetRef) -> Rule {
        let matches = rule.objects("matches")
        if !rule.has("matches") {
            rule.violate("matches", "must be defined")
        } else if matches.isEmpty {
            rule.violate("matches", "must not be empty")
        }
        for match in matches { Self.check(match) }
        let conf = rule.object("default")
        if conf == nil { rule.violate("default", "must be defined") }
        let filters = conf?.objects("filters") ?? []
        let mirrors = filters.compactMap { Self.mirror($0, target: target, matches: matches) }
        let backends = conf?.backendRefs() ?? []
        // A gateway has no service of its own to send to; a redirect needs none.
        let answersItself = filters.contains { $0.string("type") == "RequestRedirect" }
        if target.kind == .meshGateway, !answersItself, conf?.objects("backendRefs").isEmpty == true {
            rule.violate("default.backendRefs", "must not be empty")
        }
        return Rule(
            isAboutEverything: matches.contains(where: Self.isAboutEverything), backends: backends, mirrors: mirrors,
            hasFilters: !filters.isEmpty)
    }

    private static func isAboutEverything(_ match: Fields) -> Bool {
        if match.has("method") || ["queryParams", "headers"].contains(where: { !match.objects($0).isEmpty }) { return false }
        guard let path = match.object("path") else { return true }
        return path.string("type") == "PathPrefix" && path.string("value") == "/"
    }
}
