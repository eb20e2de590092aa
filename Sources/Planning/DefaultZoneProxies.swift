import JSONModel
import KubeAPI
import MeshModel

extension World {
    /// `ZoneEgress/egress` and `ZoneIngress/ingress` exist while they are enabled. They belong to the control plane's Deployment, so
    /// that uninstalling takes them along. One that a user made under that name stays the user's.
    func planDefault(_ role: ZoneProxyRole, _ plan: inout Plan) {
        let (name, type) = (role.defaultName, role.type)
        let existing = self.observed.objects[type, namespace: self.observed.systemNamespace, name: name]
        if existing?.metadata.isBeingDeleted == true { return }
        guard self.observed.settings[role].isEnabled else {
            if let existing, Self.isOurs(existing) {
                plan.deletes.append(
                    Delete(
                        type: type, key: existing.key, uid: existing.metadata.uid,
                        why: "the \(role.rawValue) is disabled in the settings (\(role.setting): false)", regarding: existing))
            }
            return
        }
        if let existing, !Self.isOurs(existing) { return }
        var wanted = KubeObject(type, name: name, namespace: self.observed.systemNamespace, labels: role.labels(name))
        if let owner = self.observed.controlPlane { wanted.metadata.ownerReferences = [owner] }
        guard let difference = Difference.of(wanted.json, existing?.json) else { return }
        plan.applies.append(
            Apply(
                type: type, object: wanted, manager: FieldManager.operator, force: true, change: existing == nil ? .create : .update,
                why: existing == nil
                    ? "the \(role.rawValue) is enabled in the settings (\(role.setting): true)"
                    : "\(difference) of the default \(type.kind) is not as the control plane keeps it",
                regarding: existing ?? wanted))
    }

    static func isOurs(_ object: KubeObject) -> Bool { object.metadata.labels["app.kubernetes.io/managed-by"] == "egret" }
}
