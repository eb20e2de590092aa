import FoundationEssentials
import KubeAPI
import MeshModel
import Routing

extension World {
    static func judge(_ judged: Judged<TrafficPermission>, _ meshes: [MeshName: Mesh]) -> Judged<TrafficPermission> {
        guard judged.accepted.isGood, let permission = judged.resource else { return judged }
        var judged = judged
        judged.accepted =
            meshes[permission.mesh] == nil ? Self.meshNotFound(permission.mesh) : .good(.accepted, "The permission is in effect.")
        return judged
    }

    /// Of all that match, the one whose destination says most; of equals the newest; of those the one whose name sorts first.
    func callersByTags(of tags: [String: String], in mesh: MeshName) -> CallerRules {
        var best: (rank: TagSelector.Rank, created: Date, permission: TrafficPermission)?
        for (created, permission) in self.tagPermissions[mesh] ?? [] {
            guard let rank = permission.destinations.filter({ $0.matches(tags) }).map(\.rank).max() else { continue }
            if let best, (best.rank, best.created) >= (rank, created) { continue }
            best = (rank, created, permission)
        }
        let sources = best?.permission.sources.compactMap { $0.callerNames(in: mesh) } ?? []
        return CallerRules(allow: sources.map { $0.joined(separator: " ") }.sorted()).simplified
    }

    func tagPermissionStatuses() -> [StatusPatch] {
        self.trafficPermissions.compactMap { judged in
            var judgement = Judgement(accepted: judged.accepted, ready: "The permission is in effect.")
            if let permission = judged.accountable {
                judgement.checks = permission.sources.enumerated().filter { $0.element.callerNames(in: permission.mesh) == nil }.map {
                    index, _ in
                    .needsPerson(
                        .unsupported,
                        "sources[\(index)].match has a value with a slash, which no tag has, so it allows nobody. Next: correct it.")
                }
            }
            return self.status(of: judged.object, type: .trafficPermissions, judgement)
        }
    }
}
