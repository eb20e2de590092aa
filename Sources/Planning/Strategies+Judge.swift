import KubeAPI
import MeshModel

extension World {
    static func judge(_ judged: Judged<MeshLoadBalancingStrategy>, _ meshes: [MeshName: Mesh]) -> Judged<MeshLoadBalancingStrategy> {
        guard judged.accepted.isGood, let strategy = judged.resource else { return judged }
        var judged = judged
        if meshes[strategy.mesh] == nil {
            judged.accepted = Self.meshNotFound(strategy.mesh)
        } else if strategy.target.isOfGateways {
            judged.accepted = .needsPerson(.unsupported, Self.gatewaysOnly)
        } else {
            judged.accepted = Self.accepted("The spec is valid.", ignoring: strategy.ignoredFields)
        }
        return judged
    }

    func strategyStatuses() -> [StatusPatch] {
        self.strategies.compactMap {
            self.status(
                of: $0.object, type: .meshLoadBalancingStrategies,
                Judgement(accepted: $0.accepted, ready: "The strategy is in effect."))
        }
    }
}
