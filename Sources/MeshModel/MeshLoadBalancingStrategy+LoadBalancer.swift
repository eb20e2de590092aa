extension MeshLoadBalancingStrategy {
    /// Checks what is said about choosing an instance.
    /// - Returns: what of it Egret does not do; nil where Egret's own way, the fewest connections per weight, is what was asked for or
    ///   close to it.
    static func checkBalancer(_ balancer: Fields) -> String? {
        let type = balancer.choice("type", ["RoundRobin", "LeastRequest", "RingHash", "Random", "Maglev"])
        if !balancer.has("type") { balancer.violate("type", "must be defined") }
        if let least = balancer.object("leastRequest") {
            if let count = least.int("choiceCount"), count < 2 { least.violate("choiceCount", "must be greater or equal then: 2") }
            if let bias = least.decimal("activeRequestBias"), bias < 0 {
                least.violate("activeRequestBias", "must be greater or equal then: 0")
            }
        }
        if let ring = balancer.object("ringHash") {
            _ = ring.choice("hashFunction", ["XXHash", "MurmurHash2"])
            for key in ["minRingSize", "maxRingSize"] { self.checkSize(ring, key, 8_000_000) }
            self.checkHashPolicies(ring)
        }
        if let maglev = balancer.object("maglev") {
            self.checkSize(maglev, "tableSize", 5_000_011)
            self.checkHashPolicies(maglev)
        }
        return type == "RingHash" || type == "Maglev" ? "to[].default.loadBalancer of type \(type ?? "")" : nil
    }

    private static func checkSize(_ fields: Fields, _ key: String, _ most: Int) {
        if let size = fields.int(key), !(1...most).contains(size) { fields.violate(key, "must be in the range [1, \(most)]") }
    }

    /// What a policy of each type needs, cross-field rules demand.
    private static func checkHashPolicies(_ balancer: Fields) {
        for policy in balancer.objects("hashPolicies") {
            if !policy.has("type") { policy.violate("type", "must be defined") }
            _ = policy.choice("type", ["Header", "Cookie", "Connection", "SourceIP", "QueryParameter", "FilterState"])
            _ = policy.bool("terminal")
            for (key, name) in [("header", "name"), ("cookie", "name"), ("queryParameter", "name"), ("filterState", "key")] {
                guard let source = policy.object(key) else { continue }
                if source.string(name)?.isEmpty != false { source.violate(name, "must not be empty") }
            }
            for key in ["ttl", "path"] { _ = policy.object("cookie")?.string(key) }
            _ = policy.object("connection")?.bool("sourceIP")
        }
    }
}
