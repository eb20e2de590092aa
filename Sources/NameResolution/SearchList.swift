/// The names that a name may stand for, in the order in which glibc's getaddrinfo tries them: a pod's `x.ns` has to mean the same
/// here as in `curl`.
struct SearchList: Hashable, Sendable {
    var domains: [String] = []
    /// With so many dots a name is tried as it is before the domains are.
    var ndots = 1

    /// A trailing dot says that the name is complete.
    func candidates(for name: String) -> [String] {
        // What C would cut off is another name.
        guard !name.utf8.contains(0) else { return [] }
        if name.hasSuffix(".") { return [String(name.dropLast())] }
        let searched = self.domains.map { $0 == "." || $0.isEmpty ? name : "\(name).\($0)" }
        let dots = name.utf8.count { $0 == UInt8(ascii: ".") }
        var candidates = dots >= self.ndots ? [name] + searched : searched + [name]
        var seen: Set<String> = []
        candidates.removeAll { $0.utf8.count > 253 || !seen.insert($0).inserted }
        return candidates
    }
}
