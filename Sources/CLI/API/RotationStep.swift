package import FoundationEssentials
package import JSONModel

/// The next step of an authority's rotation, by the generations that the Mesh names now: one authority, then trust in two,
/// then signatures by the new one, then trust in it alone.
package struct RotationStep: Hashable, Sendable {
    package enum Demand: Hashable, Sendable {
        case nothing
        /// Every connected proxy confirmed what it was sent, trust in both authorities among it.
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
    /// - Parameters:
    ///   - overviews: of the proxies of the mesh.
    ///   - since: when the Mesh was last changed.
    package func obstacles(_ overviews: [JSON], mesh: String, since: Date) -> [String] {
        if self.demand == .nothing { return [] }
        return overviews.compactMap { overview -> String? in
            let kind = (overview["type"]?.string ?? "").replacing("Overview", with: "")
            let name = "\(kind) \(overview["name"]?.string ?? "")"
            let insight = overview["\(kind.prefix(1).lowercased() + kind.dropFirst())Insight"] ?? [:]
            let open = (insight["subscriptions"]?.array ?? []).filter { $0["disconnectTime"] == nil }
            if open.isEmpty { return nil }
            for stream in open {
                func total(_ field: String) -> Int { stream.at("status", "total", field)?.int ?? 0 }
                if total("responsesSent") > total("responsesAcknowledged") + total("responsesRejected") {
                    return "\(name) has not confirmed its configuration yet"
                }
            }
            guard self.demand == .renewed else { return nil }
            let certificates = (insight["certificates"]?.array ?? []).filter { $0["mesh"]?.string == mesh }
            let oldest = certificates.compactMap { $0["lastCertificateRegeneration"]?.string.flatMap { try? Date($0, strategy: .iso8601) } }
                .min()
            guard let oldest else { return "\(name): this control plane has not signed a certificate for it since it started" }
            return oldest < since ? "\(name) has a certificate of the old authority" : nil
        }
    }
}
