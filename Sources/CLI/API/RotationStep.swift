package import JSONModel

/// The next step of an authority's rotation, by the generations that the Mesh names now: one authority, then trust in two,
/// then signatures by the new one, then trust in it alone.
package struct RotationStep: Hashable, Sendable {
    package enum Demand: Hashable, Sendable {
        case nothing
        /// Every proxy that is there trusts both authorities.
        case confirmed
        /// And has a certificate of the new authority.
        case renewed
    }

    package let generations: [Int]
    /// What has to be true before.
    package let demand: Demand
    package let sentence: String

    package init(from now: [Int]) {
        switch (now.first ?? 1, now.dropFirst().first) {
        case (let only, nil):
            self.generations = [only, only + 1]
            self.demand = .nothing
            self.sentence = "authority \(only + 1) is being made and trusted beside \(only), which goes on signing"
        case (let signer, let other?) where other > signer:
            self.generations = [other, signer]
            self.demand = .confirmed
            self.sentence = "authority \(other) signs from now on; \(signer) is still trusted, and proxies are asking for new certificates"
        case (let signer, let other?):
            self.generations = [signer]
            self.demand = .renewed
            self.sentence = "authority \(other) is not trusted any more: the rotation is over. Its Secrets can be deleted"
        }
    }

    /// Why the step is too early, one sentence for each proxy; nothing when it is time.
    /// - Parameter overviews: of the proxies of the mesh.
    package func obstacles(_ overviews: [JSON], mesh: String) -> [String] {
        if self.demand == .nothing { return [] }
        return overviews.compactMap { overview -> String? in
            let kind = (overview["type"]?.string ?? "").replacing("Overview", with: "")
            let name = "\(kind) \(overview["name"]?.string ?? "")"
            let insight = overview["\(kind.prefix(1).lowercased() + kind.dropFirst())Insight"] ?? [:]
            // Of proxies that are there, be it by a stream to another replica.
            let told = (insight["certificates"]?.array ?? []).filter { $0["mesh"]?.string == mesh && $0["trusted"] != nil }
            if told.isEmpty {
                // One that has confirmed its configuration has nothing to do with the mesh.
                let isSilent = (insight["subscriptions"]?.array ?? []).contains { stream in
                    func total(_ field: String) -> Int { stream.at("status", "total", field)?.int ?? 0 }
                    return stream["disconnectTime"] == nil && total("responsesAcknowledged") + total("responsesRejected") == 0
                }
                return isSilent ? "\(name) has not confirmed its configuration yet" : nil
            }
            let signer = self.generations[0]
            switch self.demand {
            case .nothing: return nil
            case .confirmed:
                let trustsBoth = told.allSatisfy { $0["trusted"]?.array?.contains(JSON(signer)) == true }
                return trustsBoth ? nil : "\(name) does not trust authority \(signer) yet"
            case .renewed:
                return told.allSatisfy { $0["issuer"]?.int == signer } ? nil : "\(name) has no certificate of authority \(signer) yet"
            }
        }
    }
}
