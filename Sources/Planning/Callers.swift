import MeshModel
import Routing

extension CallerRules {
    static func everybody(of mesh: MeshName) -> CallerRules { CallerRules([.everybody(.allow, of: mesh)]) }

    /// Those who may call both.
    func intersection(_ other: CallerRules) -> CallerRules {
        var kept: [CallerRule] = []
        for mine in self.rules {
            // Whom this denies, no rule of the other's can allow.
            let both = mine.verdict == .deny ? [mine] : other.rules.map { CallerRule($0.verdict, Self.together(mine.names, $0.names)) }
            // One that an earlier rule is about never decides.
            for rule in both where !kept.contains(where: { $0.isAbout(rule.names) }) { kept.append(rule) }
        }
        return CallerRules(kept).simplified
    }

    /// What both sets of names demand. A pattern that another name meets says nothing.
    private static func together(_ one: [String], _ other: [String]) -> [String] {
        let all = one + other.filter { !one.contains($0) }
        return all.filter { name in !all.contains { $0 != name && CallerName.covers(name, $0) } }
    }

    /// The same, without rules that decide nothing: those that are repeated, those behind one about everybody, and at the end
    /// those that say what holds without them.
    var simplified: CallerRules {
        var seen: Set<[String]> = []
        var kept = self.rules.filter { seen.insert($0.names).inserted }
        if let everybody = kept.firstIndex(where: \.isEverybody) {
            let verdict = kept[everybody].verdict
            let others = kept[..<everybody].lastIndex { $0.verdict != verdict }.map { $0 + 1 } ?? 0
            kept = kept[..<others] + [kept[everybody]]
        }
        while kept.last?.verdict == .deny { kept.removeLast() }
        return CallerRules(kept)
    }

    /// In a sentence: `allowed: spiffe://default/web with kuma://version/v1`.
    var sentence: String {
        var runs: [(verdict: CallerRule.Verdict, who: [String])] = []
        for rule in self.rules {
            let who = rule.names.joined(separator: " with ")
            if runs.last?.verdict == rule.verdict { runs[runs.count - 1].who.append(who) } else { runs.append((rule.verdict, [who])) }
        }
        let words = runs.map { "\($0.verdict == .allow ? "allowed" : "denied"): \($0.who.joined(separator: ", "))" }
            .joined(separator: "; of the others ")
        return words.prefix(1).uppercased() + words.dropFirst() + "."
    }

    var allowsSomebody: Bool { self.rules.contains { $0.verdict == .allow } }
}

extension CallerRule {
    static func everybody(_ verdict: Verdict, of mesh: MeshName) -> CallerRule {
        CallerRule(verdict, [CertificateNames.anyService(in: mesh)])
    }

    fileprivate var isEverybody: Bool {
        self.names.count == 1 && self.names[0].hasPrefix("spiffe://") && CallerName.isPattern(self.names[0])
    }
}

extension TargetRef {
    /// What the certificate of a caller that is meant names; nil where no certificate tells.
    func callerNames(in mesh: MeshName) -> [String]? {
        if self.isOfGateways { return nil }
        return switch self.kind {
        case .mesh: TagSelector([:]).callerNames(in: mesh)
        case .meshSubset: TagSelector(self.tags).callerNames(in: mesh)
        case .meshService: [CertificateNames.service(self.name ?? "", in: mesh)]
        case .meshServiceSubset: TagSelector(self.tags.merging([Tag.service: self.name ?? ""]) { $1 }).callerNames(in: mesh)
        case .meshGateway, .meshExternalService: nil
        }
    }
}

extension TagSelector {
    /// `*` stands for any value, but the tag has to be there; everybody has a service.
    func callerNames(in mesh: MeshName) -> [String]? {
        // A value with a slash is no tag's, and would read as another tag's name.
        if self.tags.contains(where: { $0.value.contains("/") }) { return nil }
        let service = CertificateNames.service(self.tags[Tag.service] ?? Self.any, in: mesh)
        let others = self.tags.filter { $0.key != Tag.service }.sorted { $0.key < $1.key }.map { CertificateNames.tag($0.key, $0.value) }
        return others.isEmpty || self.tags[Tag.service].map { $0 != Self.any } == true ? [service] + others : others
    }
}
