package import JSONModel

/// Who may call whom. Nobody may call an external service without one.
package struct MeshTrafficPermission: MeshResource {
    package static let kind = "MeshTrafficPermission"
    package static let nestsSpec = true

    package let name: String
    package let mesh: MeshName
    package let target: TargetRef
    package let rules: [Rule]

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
        let fields = Fields(spec, at: "spec")
        self.name = name
        self.mesh = Self.mesh(mesh, fields)
        if !fields.has("targetRef") { fields.violate("targetRef", "must be set") }
        self.target = fields.object("targetRef").flatMap { $0.targetRef(Self.targets) } ?? TargetRef(.mesh)
        self.rules = fields.objects("from").compactMap { rule in
            guard let from = rule.object("targetRef").flatMap({ $0.targetRef(Self.callers) }) else {
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

    private static let callers: Set<TargetRef.Kind> = [.mesh, .meshSubset, .meshService, .meshServiceSubset, .meshGateway]
    private static let targets = callers.union([.meshExternalService])
}
