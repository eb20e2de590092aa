import MeshModel
import Routing

extension World {
    /// Where the mesh prefers the own zone, others serve when nothing of it is left. No zone is everywhere.
    func priority(of zone: String?, in mesh: MeshName) -> Int {
        guard let zone, zone != self.observed.settings.zone, self.mesh(mesh)?.routing.prefersOwnZone == true else { return 0 }
        return 1
    }

    /// Endpoints of this zone beside those of other zones that lie behind the egress.
    ///
    /// What goes to other zones is what would go there directly, whatever the number of egresses: Kuma gives each egress the
    /// weight 1, so that scaling it moves traffic between zones.
    func sharing(_ local: [Endpoint], behindEgress remote: [Endpoint], _ mesh: Mesh) -> [Endpoint] {
        if remote.isEmpty { return local }
        var egresses = self.egressEndpoints
        guard !local.isEmpty else { return egresses }
        if mesh.routing.prefersOwnZone {
            for index in egresses.indices { egresses[index].priority = 1 }
            return local + egresses
        }
        func share(_ own: [Endpoint], _ endpoints: [Endpoint]) -> (weight: Int, cluster: Cluster) {
            (own.reduce(0) { $0 + $1.weight }, Cluster(name: "", endpoints: endpoints))
        }
        var shared = Self.joined([share(local, local), share(remote, egresses)], name: "").endpoints
        let common = shared.reduce(0) { Self.greatestCommonDivisor($0, $1.weight) }
        for index in shared.indices { shared[index].weight /= max(1, common) }
        return shared
    }
}
