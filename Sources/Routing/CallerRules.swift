/// Who may use a route: the first rule that is about a caller decides, and whom none is about is refused.
///
/// A caller is what its certificate says: `spiffe://<mesh>/<service>` for each of its services and `kuma://<tag>/<value>` for
/// each of its tags.
package struct CallerRules: Hashable, Sendable {
    package var rules: [CallerRule]

    package init(_ rules: [CallerRule] = []) { self.rules = rules }

    /// Rules without an order of their own: what says more comes first, by the names that are exact, then by the length of
    /// patterns; deny before allow among equals.
    /// - Parameter allow: each entry is a name, or several with spaces between them.
    package init(allow: [String] = [], deny: [String] = []) {
        let rules =
            deny.map { CallerRule(.deny, $0.split(separator: " ").map(String.init)) }
            + allow.map { CallerRule(.allow, $0.split(separator: " ").map(String.init)) }
        // Stable: equals keep their order.
        self.rules = rules.enumerated().sorted { ($1.element.exactness, $0.offset) < ($0.element.exactness, $1.offset) }.map(\.element)
    }

    package func permits(_ names: [String]) -> Bool { self.rules.first { $0.isAbout(names) }?.verdict == .allow }
}

/// One rule about callers, such as `{"allow": ["spiffe://default/web", "kuma://version/v1"]}`.
package struct CallerRule: Hashable, Sendable {
    package enum Verdict: String, Hashable, Sendable { case allow, deny }

    package var verdict: Verdict
    /// What a caller's certificate has to name, all of it. A name that ends in `/*` stands for each below it.
    package var names: [String]

    package init(_ verdict: Verdict, _ names: [String]) {
        self.verdict = verdict
        self.names = names
    }

    /// A rule without names is about nobody.
    package func isAbout(_ caller: [String]) -> Bool {
        !self.names.isEmpty && self.names.allSatisfy { wanted in caller.contains { CallerName.covers(wanted, $0) } }
    }

    fileprivate var exactness: Exactness {
        self.names.reduce(into: Exactness()) { exactness, name in
            if CallerName.isPattern(name) { exactness.patternBytes += name.utf8.count } else { exactness.exactNames += 1 }
        }
    }

    fileprivate struct Exactness: Comparable {
        var exactNames = 0
        var patternBytes = 0

        static func < (left: Self, right: Self) -> Bool {
            (left.exactNames, left.patternBytes) < (right.exactNames, right.patternBytes)
        }
    }
}

/// A name in a caller's certificate.
package enum CallerName {
    package static let tagScheme = "kuma://"

    package static func isPattern(_ name: String) -> Bool { name.hasSuffix("/*") }

    /// Whether what a rule says is met by a name. `spiffe://default/*` is about every id below that path and not about the path
    /// itself; `kuma://version/*` about every value of that tag and not about those of a tag `version/x`.
    package static func covers(_ wanted: String, _ name: String) -> Bool {
        if wanted == name { return true }
        guard Self.isPattern(wanted) else { return false }
        let prefix = wanted.utf8.dropLast()
        guard name.utf8.count > prefix.count, name.utf8.starts(with: prefix) else { return false }
        return !wanted.hasPrefix(Self.tagScheme) || !name.utf8.dropFirst(prefix.count).contains(UInt8(ascii: "/"))
    }
}

extension CallerRules: Codable {
    package init(from decoder: any Decoder) throws { self.init(try decoder.singleValueContainer().decode([CallerRule].self)) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.rules)
    }
}

extension CallerRule: Codable {
    private enum CodingKeys: String, CodingKey { case allow, deny }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let names = try container.decodeIfPresent([String].self, forKey: .deny) {
            self.init(.deny, names)
        } else {
            self.init(.allow, try container.decode([String].self, forKey: .allow))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.names, forKey: self.verdict == .allow ? .allow : .deny)
    }
}
