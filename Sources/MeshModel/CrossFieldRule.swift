package import JSONModel

/// A rule over several fields (or over one, where a schema's own words would not help a person). It stands in the CRD as
/// CEL for the API server to run, and here as a Swift predicate for everything that has no CEL: the control plane, the
/// command line, the development API server. A test holds both lists equal.
package struct CrossFieldRule: Sendable {
    package enum Reason: String, Sendable {
        case invalid = "FieldValueInvalid"
        case required = "FieldValueRequired"
        case forbidden = "FieldValueForbidden"
        case duplicate = "FieldValueDuplicate"
    }

    package let kind: String
    /// Where in the schema the rule is attached, from the object's root: `spec.mtls`, `spec.mtls.backends[]`; empty for
    /// the root. `self` of the rule is the value there.
    package let path: String
    /// CEL. A rule that names `oldSelf` is about a change and runs only on updates in which the value was there before.
    package let rule: String
    package let message: String
    /// Relative to `path`, as the API server wants it: `.mtls`. Nil: the value itself.
    package let fieldPath: String?
    package let reason: Reason
    /// Means exactly what `rule` means.
    package let holds: @Sendable (_ self: JSON, _ oldSelf: JSON?) -> Bool
    package let isTransition: Bool
    /// `path` in its parts.
    private let steps: [(key: String, isList: Bool)]

    init(
        _ kind: String, _ path: String, rule: String, message: String, fieldPath: String? = nil, reason: Reason = .invalid,
        holds: @escaping @Sendable (_ self: JSON, _ oldSelf: JSON?) -> Bool
    ) {
        self.kind = kind
        self.path = path
        self.rule = rule
        self.message = message
        self.fieldPath = fieldPath
        self.reason = reason
        self.holds = holds
        self.isTransition = rule.contains("oldSelf")
        self.steps = path.split(separator: ".").map { step in
            step.hasSuffix("[]") ? (String(step.dropLast(2)), true) : (String(step), false)
        }
    }

    /// Every value at `path` in `object`, with the concrete path of each.
    private func values(in object: JSON) -> [(path: String, value: JSON)] {
        var found = [(path: "", value: object)]
        for (key, isList) in self.steps {
            found = found.flatMap { path, value -> [(path: String, value: JSON)] in
                guard let member = value[key], !member.isNull else { return [] }
                let path = path.isEmpty ? key : "\(path).\(key)"
                guard isList else { return [(path, member)] }
                return (member.array ?? []).enumerated().map { ("\(path)[\($0)]", $1) }
            }
        }
        return found
    }

    /// What the rule finds in a whole object (`{"metadata": …, "spec": …}`), transitions aside.
    /// - Parameter nestsSpec: authors write `spec.` in every form of the kind.
    func violations(in object: JSON, nestsSpec: Bool) -> [Violation] {
        if self.isTransition { return [] }
        return self.values(in: object).compactMap { path, value in
            if self.holds(value, nil) { return nil }
            if self.rule.contains("self.metadata.name") { return Violation(field: "name", message: self.message) }
            // Authors of the other kinds know fields without the `spec.` of the Kubernetes form.
            let field = path + (self.fieldPath ?? "")
            return Violation(field: !nestsSpec && field.hasPrefix("spec.") ? String(field.dropFirst(5)) : field, message: self.message)
        }
    }
}

/// All of them.
package enum CrossFieldRules {
    package static let all: [CrossFieldRule] =
        mesh + zoneEgress + zoneIngress + dataplane + meshTrafficPermission + externalService + trafficPermission + meshExternalService
        + trafficRoute + meshTCPRoute + meshHTTPRoute + meshLoadBalancingStrategy

    /// The rule with this CEL text, wherever it is attached: equal texts mean equal things.
    package static func rule(text: String) -> CrossFieldRule? { self.byText[text] }

    package static func violations(kind: String, object: JSON, nestsSpec: Bool = false) -> [Violation] {
        (self.byKind[kind] ?? []).flatMap { $0.violations(in: object, nestsSpec: nestsSpec) }
    }

    private static let byKind = Dictionary(grouping: all, by: \.kind)
    private static let byText = Dictionary(Self.all.map { ($0.rule, $0) }, uniquingKeysWith: { first, _ in first })
}

extension JSON {
    /// CEL's `has(self.key)`.
    func has(_ key: String) -> Bool { !(self[key]?.isNull ?? true) }
    /// CEL's `has(self.key) && self.key != ''`.
    func hasText(_ key: String) -> Bool { self[key]?.string?.isEmpty == false }
}
