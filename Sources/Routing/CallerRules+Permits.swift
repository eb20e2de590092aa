extension CallerRules {
    /// Whether the caller with this SPIFFE id may use the route.
    ///
    /// `spiffe://default/*` covers every id below that path and not the path itself. Among the entries that cover the id an
    /// exact one decides, else the longest pattern; where an allow and a deny are equally exact, deny.
    package func permits(_ spiffeID: String) -> Bool {
        let allowed = Self.specificity(of: self.allow, for: spiffeID)
        guard let allowed else { return false }
        guard let denied = Self.specificity(of: self.deny, for: spiffeID) else { return true }
        return allowed > denied
    }

    /// The same for a caller whose certificate speaks for several ids, as that of a workload with several services does: the
    /// most exact entry for any of them decides.
    package func permits(_ spiffeIDs: [String]) -> Bool {
        guard let allowed = spiffeIDs.compactMap({ Self.specificity(of: self.allow, for: $0) }).max() else { return false }
        guard let denied = spiffeIDs.compactMap({ Self.specificity(of: self.deny, for: $0) }).max() else { return true }
        return allowed > denied
    }

    /// How exactly the best entry names the id: the length of a pattern, or more than any for the id itself.
    private static func specificity(of entries: [String], for id: String) -> Int? {
        var best: Int?
        for entry in entries {
            if entry == id { return .max }
            guard entry.hasSuffix("/*") else { continue }
            let prefix = entry.utf8.dropLast()
            if id.utf8.count > prefix.count && id.utf8.starts(with: prefix) { best = max(best ?? 0, prefix.count) }
        }
        return best
    }
}
