import JSONModel

extension CrossFieldRules {
    static let meshLoadBalancingStrategy: [CrossFieldRule] = {
        let kind = "MeshLoadBalancingStrategy"
        let conf = "spec.to[].default"
        /// What a type of failover's target says about its list of zones.
        func zones(_ type: String, wanted: Bool) -> CrossFieldRule {
            CrossFieldRule(
                kind, "\(conf).localityAwareness.crossZone.failover[].to",
                rule: wanted
                    ? "self.type != '\(type)' || (has(self.zones) && size(self.zones) > 0)"
                    : "self.type != '\(type)' || !has(self.zones) || size(self.zones) == 0",
                message: wanted ? "must not be empty when type is \(type)" : "must be empty when type is \(type)", fieldPath: ".zones",
                reason: wanted ? .required : .invalid
            ) { to, _ in to["type"]?.string != type || (to["zones"]?.array?.isEmpty == false) == wanted }
        }
        /// What a hash is made of.
        func source(_ balancer: String, _ type: String, _ key: String) -> CrossFieldRule {
            CrossFieldRule(
                kind, "\(conf).loadBalancer.\(balancer).hashPolicies[]", rule: "self.type != '\(type)' || has(self.\(key))",
                message: "must be defined", fieldPath: ".\(key)", reason: .required
            ) { policy, _ in policy["type"]?.string != type || policy.has(key) }
        }
        func absolutePath(_ balancer: String) -> CrossFieldRule {
            CrossFieldRule(
                kind, "\(conf).loadBalancer.\(balancer).hashPolicies[].cookie", rule: "!has(self.path) || self.path.startsWith('/')",
                message: "must be an absolute path", fieldPath: ".path"
            ) { cookie, _ in !cookie.has("path") || cookie["path"]?.string?.hasPrefix("/") != false }
        }
        let sources = [
            ("Header", "header"), ("Cookie", "cookie"), ("Connection", "connection"), ("QueryParameter", "queryParameter"),
            ("FilterState", "filterState"),
        ]
        return ["MeshService", "MeshServiceSubset"].map { named(kind, "spec.targetRef", $0) } + [
            CrossFieldRule(
                kind, "spec", rule: "has(self.to) && size(self.to) > 0", message: "needs at least one item", fieldPath: ".to",
                reason: .required
            ) { spec, _ in spec["to"]?.array?.isEmpty == false },
            named(kind, "spec.to[].targetRef", "MeshService"),
            CrossFieldRule(
                kind, "\(conf).localityAwareness.localZone.affinityTags",
                rule: "self.all(tag, has(tag.weight)) || self.all(tag, !has(tag.weight))",
                message: "all or none affinity tags should have weight"
            ) { tags, _ in Set((tags.array ?? []).map { $0.has("weight") }).count <= 1 },
        ] + ["Any", "None"].map { zones($0, wanted: false) } + ["AnyExcept", "Only"].map { zones($0, wanted: true) }
            + ["ringHash", "maglev"].flatMap { balancer in
                sources.map { source(balancer, $0.0, $0.1) } + [absolutePath(balancer)]
            }
    }()
}
