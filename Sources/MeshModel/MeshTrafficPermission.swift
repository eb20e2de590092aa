package import JSONModel

/// Who may call whom. Nobody may call an external service without one.
package struct MeshTrafficPermission: MeshResource {
    package static let kind = "MeshTrafficPermission"

    package let name: String
    package let mesh: MeshName
    package let target: TargetRef
    package let rules: [Rule]

    package struct TargetRef: Hashable, Sendable {
        package let kind: Kind
        package let name: String?
        package let tags: [String: String]

        package enum Kind: String, Hashable, Sendable, CaseIterable {
            case mesh = "Mesh"
            case meshSubset = "MeshSubset"
            case meshService = "MeshService"
            case meshServiceSubset = "MeshServiceSubset"
            case meshGateway = "MeshGateway"
        }
    }

    package struct Rule: Hashable, Sendable {
        package let from: TargetRef
        package let action: Action
    }

    package enum Action: String, Hashable, Sendable, CaseIterable {
        case allow = "Allow"
        case deny = "Deny"
        case allowWithShadowDeny = "AllowWithShadowDeny"
    }

    package init(name: String, mesh: String?, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec)
        self.name = name
        self.mesh = Self.mesh(mesh, fields)
        if !fields.has("targetRef") { fields.violate("targetRef", "must be set") }
        self.target = fields.object("targetRef").flatMap(Self.reference) ?? TargetRef(kind: .mesh, name: nil, tags: [:])
        self.rules = fields.objects("from").compactMap { rule in
            guard let from = rule.object("targetRef").flatMap(Self.reference) else {
                if !rule.has("targetRef") { rule.violate("targetRef", "must be set") }
                return nil
            }
            guard let text = rule.object("default")?.string("action") else {
                rule.violate("default.action", "must be set to one of Allow, Deny, AllowWithShadowDeny")
                return nil
            }
            guard let action = Action(rawValue: text) else {
                rule.violate("default.action", "has to be one of Allow, Deny, AllowWithShadowDeny; is \"\(text)\"")
                return nil
            }
            return Rule(from: from, action: action)
        }
        if self.rules.isEmpty, fields.violations.isEmpty { fields.violate("from", "needs at least one item") }
        try Self.check(name: name, spec: spec, fields)
    }

    private static func reference(_ fields: Fields) -> TargetRef? {
        guard let text = fields.string("kind"), let kind = TargetRef.Kind(rawValue: text) else {
            fields.violate("kind", "has to be one of \(TargetRef.Kind.allCases.map(\.rawValue).joined(separator: ", "))")
            return nil
        }
        return TargetRef(kind: kind, name: fields.string("name").flatMap { $0.isEmpty ? nil : $0 }, tags: fields.tags("tags") ?? [:])
    }
}
