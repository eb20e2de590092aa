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

    static func judge<Route: MeshRoute>(_ judged: Judged<Route>, _ meshes: [MeshName: Mesh]) -> Judged<Route> {
        guard judged.accepted.isGood, let route = judged.resource else { return judged }
        var judged = judged
        if meshes[route.mesh] == nil {
            judged.accepted = Self.meshNotFound(route.mesh)
        } else if route.target.isOfGateways {
            judged.accepted = .needsPerson(.unsupported, Self.gatewaysOnly)
        } else {
            judged.accepted = Self.accepted("The spec is valid.", ignoring: route.ignoredFields)
        }
        return judged
    }

    func routeStatuses() -> [StatusPatch] {
        self.statuses(of: self.trafficRoutes, .trafficRoutes) + self.statuses(of: self.tcpRoutes, .meshTCPRoutes)
            + self.statuses(of: self.httpRoutes, .meshHTTPRoutes)
    }

    private func statuses<Route: MeshResource>(of routes: [Judged<Route>], _ type: ResourceType) -> [StatusPatch] {
        routes.compactMap {
            self.status(of: $0.object, type: type, Judgement(accepted: $0.accepted, ready: "The route is in effect."))
        }
    }
}
