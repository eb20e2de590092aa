import JSONModel
import KubeAPI
import MeshModel

extension World {
    static func judge(_ judged: Judged<ZoneEgress>, _ observed: Observed) -> Judged<ZoneEgress> {
        guard judged.accepted.isGood, let egress = judged.resource else { return judged }
        if let zone = egress.zone, zone != observed.settings.zone, !Self.wrote(judged.object, "zone") {
            var judged = judged
            judged.accepted = .needsPerson(
                .zoneMismatch,
                "spec.zone is \(zone), but this cluster is zone \(observed.settings.zone), so the egress is not used. Next: remove spec.zone, the control plane fills it in."
            )
            return judged
        }
        return Self.judgeProxy(judged, observed.home)
    }

    func zoneEgressApplies() -> [Apply] {
        self.egresses.compactMap { judged in
            guard let egress = judged.accountable, egress.zone != self.observed.settings.zone else { return nil }
            var object = KubeObject(.zoneEgresses, name: egress.name, namespace: judged.object.namespace)
            object.spec = ["zone": .string(self.observed.settings.zone)]
            return Apply(
                type: .zoneEgresses, object: object, manager: FieldManager.zone, force: false, change: .update,
                why: "ZoneEgress \(egress.name) belongs to zone \(self.observed.settings.zone), the zone of this cluster",
                regarding: judged.object)
        }
    }

    func zoneEgressStatuses() -> [StatusPatch] {
        self.egresses.compactMap { judged in
            let (judgement, extras) = self.judgement(of: judged, harm: self.failsClosed, table: self.egressTable)
            return self.status(of: judged.object, type: .zoneEgresses, judgement, extras: extras)
        }
    }

    /// Who suffers when there is no egress, as a sentence of its own; empty when nobody does or others serve.
    private var failsClosed: String {
        let meshes = self.sortedMeshes.filter(\.usesEgress).map(\.name.text)
        guard !meshes.isEmpty, self.readyEgresses.isEmpty else { return "" }
        return
            " Traffic of \(meshes.count == 1 ? "mesh" : "meshes") \(meshes.joined(separator: ", ")) through the egress fails (closed, never around)."
    }
}
