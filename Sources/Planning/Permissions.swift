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
                for (index, rule) in permission.rules.enumerated() where CallerPattern(rule.from) == .inexact {
                    let effect = rule.action == .deny ? "it denies every caller" : "it allows nobody"
                    judgement.checks.append(
                        .needsPerson(
                            .unsupported,
                            "from[\(index)].targetRef: \(rule.from.kind.rawValue) by tags or of gateways is not supported, so \(effect). Next: use Mesh or MeshService."
                        ))
                }
            }
            return self.status(of: judged.object, type: .meshTrafficPermissions, judgement)
        }
    }

    /// Who may use a connection that may reach any of these: who may call all of them.
    func callers(of reachable: [Callee], in mesh: MeshName) -> CallerRules {
        var callers: Callers?
        // Mostly they are alike.
        for callee in Set(reachable) {
            let own = self.callers(of: callee, in: mesh)
            callers = callers?.intersection(own) ?? own
        }
        return (callers ?? .nobody).rules(in: mesh)
    }

    /// MeshTrafficPermissions decide where one is about the service, else TrafficPermissions. Without either nobody may call,
    /// but for MeshExternalServices, which are open to the mesh unless it says otherwise or one is about them by name.
    private func callers(of callee: Callee, in mesh: MeshName) -> Callers {
        let permissions = self.meshPermissions[mesh] ?? []
        switch callee {
        case .service(let tags):
            return Self.callers(of: callee, by: permissions, base: nil) ?? self.callersByTags(of: tags, in: mesh)
        case .meshExternal(let name):
            let isOpen =
                self.mesh(mesh)?.routing.forbidsExternal == false
                && !permissions.contains { $0.target.kind == .meshExternalService && $0.target.name == name }
            return Self.callers(of: callee, by: permissions, base: isOpen ? true : nil) ?? (isOpen ? .everybody : .nobody)
        }
    }

    /// Nil where no permission is about it.
    ///
    /// A rule whose target says more about the service wins; of those, the one whose `from` says more about the caller;
    /// of those, the later one, permissions taken in the order of their names from last to first. A rule that cannot be
    /// carried out exactly denies more than it says, never less.
    /// - Parameter base: what holds for whom no rule is about.
    private static func callers(of callee: Callee, by permissions: [MeshTrafficPermission], base: Bool?) -> Callers? {
        struct Candidate {
            let target: Int
            let from: CallerPattern
            let allows: Bool
        }
        var candidates: [Candidate] = []
        var isMeant = false
        // Later ones win, and of two permissions that of the smaller name does.
        for permission in permissions.reversed() {
            guard let specificity = Self.specificity(of: permission.target, for: callee) else { continue }
            isMeant = true
            for rule in permission.rules {
                let pattern = CallerPattern(rule.from)
                if rule.action != .deny, pattern == .inexact { continue }
                candidates.append(Candidate(target: specificity, from: pattern, allows: rule.action != .deny))
            }
        }
        guard isMeant else { return nil }
        // Stable: what is equally specific keeps its order.
        let ordered = candidates.enumerated().sorted {
            ($0.element.target, $0.element.from.specificity, $0.offset) < ($1.element.target, $1.element.from.specificity, $1.offset)
        }.map(\.element)

        func verdict(_ matches: (CallerPattern) -> Bool) -> Bool { ordered.last { matches($0.from) }?.allows ?? base ?? false }
        var callers = Callers(anybody: verdict { $0 == .anybody || $0 == .inexact }, named: [:])
        for case .service(let name) in ordered.map(\.from) {
            callers.named[name] = verdict { $0 == .service(name) || $0 == .anybody || $0 == .inexact }
        }
        return callers
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
