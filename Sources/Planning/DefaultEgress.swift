import JSONModel
import KubeAPI
import MeshModel

extension World {
    /// `ZoneEgress/egress` exists while the egress is enabled. It belongs to the control plane's Deployment, so that
    /// uninstalling takes it along. One that a user made under that name stays the user's.
    func planDefaultEgress(_ plan: inout Plan) {
        let name = EgressNames.defaultEgress
        let existing = self.observed.objects[.zoneEgresses, namespace: self.observed.systemNamespace, name: name]
        if existing?.metadata.isBeingDeleted == true { return }
        guard self.observed.settings.egress.isEnabled else {
            if let existing, Self.isOurs(existing) {
                plan.deletes.append(
                    Delete(
                        type: .zoneEgresses, key: existing.key, uid: existing.metadata.uid,
                        why: "the egress is disabled in the settings (kuma.egress.enabled: false)", regarding: existing))
            }
            return
        }
        if let existing, !Self.isOurs(existing) { return }
        var wanted = KubeObject(
            .zoneEgresses, name: name, namespace: self.observed.systemNamespace, labels: EgressNames.labels(name))
        if let owner = self.observed.controlPlane { wanted.metadata.ownerReferences = [owner] }
        guard let difference = Difference.of(wanted.json, existing?.json) else { return }
        plan.applies.append(
            Apply(
                type: .zoneEgresses, object: wanted, manager: FieldManager.operator, force: true,
                change: existing == nil ? .create : .update,
                why: existing == nil
                    ? "the egress is enabled in the settings (kuma.egress.enabled: true)"
                    : "\(difference) of the default ZoneEgress is not as the control plane keeps it",
                regarding: existing ?? wanted))
    }

    static func isOurs(_ object: KubeObject) -> Bool { object.metadata.labels["app.kubernetes.io/managed-by"] == "egret" }
}
