import KubeAPI
import MeshModel

extension World {
    static func judge(_ judged: Judged<TrafficRoute>, _ meshes: [MeshName: Mesh]) -> Judged<TrafficRoute> {
        guard judged.accepted.isGood, let route = judged.resource else { return judged }
        var judged = judged
        judged.accepted =
            meshes[route.mesh] == nil
            ? Self.meshNotFound(route.mesh) : Self.accepted("The spec is valid.", ignoring: route.ignoredFields)
        return judged
    }

    static func judge<Policy: TargetingPolicy>(_ judged: Judged<Policy>, _ meshes: [MeshName: Mesh]) -> Judged<Policy> {
        guard judged.accepted.isGood, let policy = judged.resource else { return judged }
        var judged = judged
        if meshes[policy.mesh] == nil {
            judged.accepted = Self.meshNotFound(policy.mesh)
        } else if policy.target.isOfGateways {
            judged.accepted = .needsPerson(.unsupported, Self.gatewaysOnly)
        } else {
            judged.accepted = Self.accepted("The spec is valid.", ignoring: policy.ignoredFields)
        }
        return judged
    }

    func policyStatuses() -> [StatusPatch] {
        self.statuses(of: self.trafficRoutes, .trafficRoutes, "route") + self.statuses(of: self.tcpRoutes, .meshTCPRoutes, "route")
            + self.statuses(of: self.httpRoutes, .meshHTTPRoutes, "route")
            + self.statuses(of: self.strategies, .meshLoadBalancingStrategies, "strategy")
    }

    private func statuses<Policy: MeshResource>(of policies: [Judged<Policy>], _ type: ResourceType, _ word: String) -> [StatusPatch] {
        policies.compactMap {
            self.status(of: $0.object, type: type, Judgement(accepted: $0.accepted, ready: "The \(word) is in effect."))
        }
    }
}
