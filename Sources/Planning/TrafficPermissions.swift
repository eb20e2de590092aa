import FoundationEssentials
import KubeAPI
import MeshModel

extension World {
    static func judge(_ judged: Judged<TrafficPermission>, _ meshes: [MeshName: Mesh]) -> Judged<TrafficPermission> {
        guard judged.accepted.isGood, let permission = judged.resource else { return judged }
        var judged = judged
        judged.accepted =
            meshes[permission.mesh] == nil ? Self.meshNotFound(permission.mesh) : .good(.accepted, "The permission is in effect.")
        return judged
    }

    /// Of all that match, the one whose destination says most; of equals the newest; of those the one whose name sorts first.
    func callersByTags(of tags: [String: String], in mesh: MeshName) -> Callers {
        var best: (rank: TagSelector.Rank, created: Date, permission: TrafficPermission)?
        for (created, permission) in self.tagPermissions[mesh] ?? [] {
            guard let rank = permission.destinations.filter({ $0.matches(tags) }).map(\.rank).max() else { continue }
            if let best, (best.rank, best.created) >= (rank, created) { continue }
            best = (rank, created, permission)
        }
        guard let best else { return .nobody }
        var callers = Callers.nobody
        for source in best.permission.sources {
            switch CallerPattern(source) {
            case .anybody: return .everybody
            case .service(let name): callers.named[name] = true
            // Allowing more than was meant is never the answer.
            case .inexact: break
            }
        }
        return callers
    }

    func tagPermissionStatuses() -> [StatusPatch] {
        self.trafficPermissions.compactMap { judged in
            var judgement = Judgement(accepted: judged.accepted, ready: "The permission is in effect.")
            if let permission = judged.accountable {
                judgement.checks = permission.sources.enumerated().filter { CallerPattern($0.element) == .inexact }.map { index, _ in
                    .needsPerson(
                        .unsupported,
                        "sources[\(index)].match: a caller's certificate carries its service and no further tag, so it allows nobody. Next: use kuma.io/service alone."
                    )
                }
            }
            return self.status(of: judged.object, type: .trafficPermissions, judgement)
        }
    }
}
