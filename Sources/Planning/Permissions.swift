import KubeAPI
import MeshModel
import Routing

/// What is called, as permissions know it.
enum Callee: Hashable {
    /// A service, in the mesh or outside of it, by its tags.
    case service([String: String])
    case meshExternal(String)
}

extension World {
    static func judge(_ judged: Judged<MeshTrafficPermission>, _ meshes: [MeshName: Mesh]) -> Judged<MeshTrafficPermission> {
        guard judged.accepted.isGood, let permission = judged.resource else { return judged }
        var judged = judged
        if meshes[permission.mesh] == nil {
            judged.accepted = Self.meshNotFound(permission.mesh)
        } else if permission.target.isOfGateways {
            judged.accepted = .needsPerson(.unsupported, Self.gatewaysOnly)
        } else {
            let shadow = permission.rules.contains { $0.action == .allowWithShadowDeny }
            judged.accepted = Self.accepted(
                "The permission is in effect.", ignoring: shadow ? ["the shadow part of AllowWithShadowDeny"] : [])
        }
        return judged
    }

    static let gatewaysOnly =
        "targetRef is about gateways only (kind MeshGateway, or proxyTypes without Sidecar), which is not supported. Next: use Mesh or MeshService."

    func permissionStatuses() -> [StatusPatch] {
        self.permissions.compactMap { judged in
            var judgement = Judgement(accepted: judged.accepted, ready: "The permission is in effect.")
            if let permission = judged.accountable {
                for (index, rule) in permission.rules.enumerated() where rule.from.callerNames(in: permission.mesh) == nil {
                    let effect = rule.action == .deny ? "it denies every caller" : "it allows nobody"
                    judgement.checks.append(
                        .needsPerson(
                            .unsupported,
                            "from[\(index)].targetRef is about gateways or has a tag that no certificate can carry, so \(effect). Next: use Mesh, MeshSubset, MeshService or MeshServiceSubset."
                        ))
                }
            }
            return self.status(of: judged.object, type: .meshTrafficPermissions, judgement)
        }
    }

    /// Who may use a connection that may reach any of these: who may call all of them.
    func callers(of reachable: [Callee], in mesh: MeshName) -> CallerRules {
        // Mostly they are alike.
        let each = Set(Set(reachable).map { self.callers(of: $0, in: mesh) })
        guard each.count > 1 else { return each.first ?? CallerRules() }
        // In an order of their own, so that the same plan comes of the same world.
        let ordered = each.sorted { $0.sentence < $1.sentence }
        return ordered.dropFirst().reduce(ordered[0]) { $0.intersection($1) }
    }

    /// MeshTrafficPermissions decide where one is about the service, else TrafficPermissions. Without either nobody may call,
    /// but for MeshExternalServices, which are open to the mesh unless it says otherwise or one is about them by name.
    private func callers(of callee: Callee, in mesh: MeshName) -> CallerRules {
        let permissions = self.meshPermissions[mesh] ?? []
        switch callee {
        case .service(let tags):
            return Self.rules(about: callee, in: permissions, mesh).map { CallerRules($0).simplified }
                ?? self.callersByTags(of: tags, in: mesh)
        case .meshExternal(let name):
            let isOpen =
                self.mesh(mesh)?.routing.forbidsExternal == false
                && !permissions.contains { $0.target.kind == .meshExternalService && $0.target.name == name }
            let base = isOpen ? CallerRules.everybody(of: mesh) : CallerRules()
            let rules = Self.rules(about: callee, in: permissions, mesh) ?? []
            return CallerRules(rules + base.rules).simplified
        }
    }

    /// The first that is about a caller decides. Nil where no permission is about the service.
    ///
    /// Of the rules about a caller the last decides, as in Kuma: permissions that say less about the service come first, of
    /// equals the one whose name sorts last, and within one its rules in their order. A rule that cannot be carried out exactly
    /// denies more than it says, never less.
    private static func rules(about callee: Callee, in permissions: [MeshTrafficPermission], _ mesh: MeshName) -> [CallerRule]? {
        let meant = permissions.compactMap { permission in
            Self.specificity(of: permission.target, for: callee).map { (specificity: $0, permission: permission) }
        }
        if meant.isEmpty { return nil }
        let ordered = meant.sorted { ($1.specificity, $0.permission.name) < ($0.specificity, $1.permission.name) }
        return ordered.flatMap { $0.permission.rules.reversed() }.compactMap { rule in
            if let names = rule.from.callerNames(in: mesh) { return CallerRule(rule.action == .deny ? .deny : .allow, names) }
            return rule.action == .deny ? .everybody(.deny, of: mesh) : nil
        }
    }

    /// How much a target says about what is called; nil when it is about others.
    private static func specificity(of target: TargetRef, for callee: Callee) -> Int? {
        switch (target.kind, callee) {
        case (.mesh, _): return 0
        case (.meshExternalService, .meshExternal(let name)): return target.name == name ? 2 : nil
        case (.meshSubset, .service(let tags)): return Self.covers(target.tags, tags) ? 1 : nil
        case (.meshService, .service(let tags)): return target.name == tags[Tag.service] ? 2 : nil
        case (.meshServiceSubset, .service(let tags)):
            return target.name == tags[Tag.service] && Self.covers(target.tags, tags) ? 3 : nil
        default: return nil
        }
    }

    static func covers(_ wanted: [String: String], _ tags: [String: String]) -> Bool { wanted.allSatisfy { tags[$0.key] == $0.value } }
}
