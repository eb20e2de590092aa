import KubeAPI
import MeshModel
import Routing

extension World {
    static func judge(_ judged: Judged<MeshTrafficPermission>, _ meshes: [MeshName: Mesh]) -> Judged<MeshTrafficPermission> {
        guard judged.accepted.isGood, let permission = judged.resource else { return judged }
        var judged = judged
        if meshes[permission.mesh] == nil {
            judged.accepted = Self.meshNotFound(permission.mesh)
        } else if permission.target.kind == .meshGateway {
            judged.accepted = .needsPerson(.unsupported, "targetRef.kind MeshGateway is not supported. Next: use Mesh or MeshService.")
        } else {
            let shadow = permission.rules.contains { $0.action == .allowWithShadowDeny }
            judged.accepted = Self.accepted(
                "The permission is in effect.", ignoring: shadow ? ["the shadow part of AllowWithShadowDeny"] : [])
        }
        return judged
    }

    func permissionStatuses() -> [StatusPatch] {
        self.permissions.compactMap { judged in
            var judgement = Judgement(accepted: judged.accepted, ready: "The permission is in effect.")
            if let permission = judged.accountable {
                for (index, rule) in permission.rules.enumerated() where CallerPattern(rule.from) == .inexact {
                    let effect = rule.action == .deny ? "it denies every caller" : "it allows nobody"
                    judgement.checks.append(
                        .needsPerson(
                            .unsupported,
                            "from[\(index)].targetRef: \(rule.from.kind.rawValue) by tags is not supported, so \(effect). Next: use Mesh or MeshService."
                        ))
                }
            }
            return self.status(of: judged.object, type: .meshTrafficPermissions, judgement)
        }
    }

    /// Who may call a service, given the tags of everything that a connection to it may reach. Allowing has to be meant
    /// for all of that, denying for any of it.
    ///
    /// A rule whose target says more about the service wins; of those, the one whose `from` says more about the caller;
    /// of those, the later one, permissions taken in the order of their names from last to first. Who matches nothing is
    /// refused. A rule that cannot be carried out exactly denies more than it says, never less.
    func callers(of reachable: [[String: String]], in mesh: MeshName) -> CallerRules {
        struct Candidate {
            let target: Int
            let from: CallerPattern
            let allows: Bool
        }
        var candidates: [Candidate] = []
        // Later ones win, and of two permissions that of the smaller name does.
        for permission in self.permissions.reversed().compactMap({ $0.accountable }) where permission.mesh == mesh {
            let matches = reachable.map { Self.specificity(of: permission.target, for: $0) }
            guard let specificity = matches.compactMap(\.self).max() else { continue }
            let isWhole = !matches.contains(nil)
            for rule in permission.rules {
                let pattern = CallerPattern(rule.from)
                if rule.action != .deny, pattern == .inexact || !isWhole { continue }
                candidates.append(Candidate(target: specificity, from: pattern, allows: rule.action != .deny))
            }
        }
        // Stable: what is equally specific keeps its order.
        let ordered = candidates.enumerated().sorted {
            ($0.element.target, $0.element.from.specificity, $0.offset) < ($1.element.target, $1.element.from.specificity, $1.offset)
        }.map(\.element)

        func verdict(_ matches: (CallerPattern) -> Bool) -> Bool { ordered.last { matches($0.from) }?.allows ?? false }
        let anybody = verdict { $0 == .anybody || $0 == .inexact }
        var rules = CallerRules()
        if anybody { rules.allow.append("spiffe://\(mesh)/*") }
        let named = Set(ordered.compactMap { if case .service(let name) = $0.from { name } else { nil } })
        for name in named.sorted() {
            let allowed = verdict { $0 == .service(name) || $0 == .anybody || $0 == .inexact }
            if allowed == anybody { continue }
            let id = "spiffe://\(mesh)/\(name)"
            if allowed { rules.allow.append(id) } else { rules.deny.append(id) }
        }
        return rules
    }

    /// How much a target says about a service; nil when it is about others.
    private static func specificity(of target: MeshTrafficPermission.TargetRef, for tags: [String: String]) -> Int? {
        func covers(_ wanted: [String: String]) -> Bool { wanted.allSatisfy { tags[$0.key] == $0.value } }
        switch target.kind {
        case .mesh: return 0
        case .meshSubset: return covers(target.tags) ? 1 : nil
        case .meshService: return target.name == tags[Tag.service] ? 2 : nil
        case .meshServiceSubset: return target.name == tags[Tag.service] && covers(target.tags) ? 3 : nil
        case .meshGateway: return nil
        }
    }
}

/// Callers as a certificate can tell them apart: it carries the service and no further tag.
enum CallerPattern: Hashable {
    case anybody
    case service(String)
    /// Narrower than that.
    case inexact

    init(_ reference: MeshTrafficPermission.TargetRef) {
        switch reference.kind {
        case .mesh: self = .anybody
        case .meshService: self = .service(reference.name ?? "")
        case .meshServiceSubset: self = reference.tags.isEmpty ? .service(reference.name ?? "") : .inexact
        case .meshSubset:
            self =
                if reference.tags.isEmpty { .anybody } else if reference.tags.count == 1, let service = reference.tags[Tag.service] {
                    .service(service)
                } else {
                    .inexact
                }
        case .meshGateway: self = .inexact
        }
    }

    var specificity: Int {
        switch self {
        case .anybody: 0
        case .service: 1
        case .inexact: 2
        }
    }
}
