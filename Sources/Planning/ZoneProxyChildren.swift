import JSONModel
import KubeAPI
import MeshModel

extension World {
    func servicePort<Proxy: ZoneProxy>(_ proxy: Proxy) -> Int {
        proxy.deployment.at("service", "port")?.int ?? self.observed.settings[Proxy.role].service.port
    }

    /// Fingerprint of what was applied last. A field that is no longer wanted is not in the wanted object, so comparing
    /// wanted with actual would not miss it; a changed fingerprint does.
    static let appliedAnnotation = "kuma.io/egret-applied"

    private static let childTypes: [ResourceType] = [.serviceAccounts, .services, .deployments]

    func planChildren<Proxy: ZoneProxy>(of proxies: [Judged<Proxy>], _ plan: inout Plan) {
        for judged in proxies where judged.object.namespace == self.observed.systemNamespace {
            if judged.object.metadata.isBeingDeleted { continue }
            if self.isRun(judged), let proxy = judged.resource {
                self.planChildren(of: proxy, judged.object, &plan)
            } else if let why = self.whyNothingRuns(judged), !plan.deletes.contains(where: { $0.key == judged.object.key }) {
                self.deleteChildren(of: judged.object, why: why, &plan)
            }
        }
    }

    /// Nil while the object cannot be judged: what runs is then left alone.
    private func whyNothingRuns<Proxy: ZoneProxy>(_ judged: Judged<Proxy>) -> String? {
        if !self.observed.settings[Proxy.role].isEnabled {
            return "the \(Proxy.role.rawValue) is disabled in the settings (\(Proxy.role.setting): false)"
        }
        if judged.accountable?.isManaged == false { return "\(Proxy.kind) \(judged.object.name) has an address, so it runs elsewhere" }
        return nil
    }

    private func planChildren<Proxy: ZoneProxy>(of proxy: Proxy, _ object: KubeObject, _ plan: inout Plan) {
        let rendering = ZoneProxyRendering(
            proxy: proxy, owner: OwnerReference(controller: object), namespace: self.observed.systemNamespace,
            settings: self.observed.settings)
        for (type, child) in zip(Self.childTypes, [rendering.serviceAccount, rendering.service, rendering.deployment]) {
            self.planChild(type, child, of: object, &plan)
        }
    }

    private func planChild(_ type: ResourceType, _ child: KubeObject, of owner: KubeObject, _ plan: inout Plan) {
        var wanted = child
        let fingerprint = Fingerprint.of(child.json.text)
        wanted.metadata.annotations[Self.appliedAnnotation] = fingerprint
        // An egress and an ingress of one name: the second finds the first one's children next time, and says so.
        if plan.applies.contains(where: { $0.type == type && $0.object.key == wanted.key }) { return }
        let existing = self.observed.objects[type, wanted.key]
        // It is on its way out; when it is gone we hear of it and make it anew.
        if existing?.metadata.isBeingDeleted == true { return }
        if let existing, Self.isForeign(existing, to: owner) { return }
        guard let difference = Difference.of(wanted.json, existing?.json) else { return }
        let why: String
        if let existing {
            let sameWish = existing.metadata.annotations[Self.appliedAnnotation] == fingerprint
            why =
                sameWish
                ? "somebody changed \(difference) of it; restoring what \(owner.kind) \(owner.name) asks for"
                : "\(owner.kind) \(owner.name) or the settings ask for another \(Difference.of(child.json, existing.json) ?? "content")"
        } else {
            why = "\(owner.kind) \(owner.name) needs it"
        }
        plan.applies.append(
            Apply(
                type: type, object: wanted, manager: FieldManager.operator, force: true, change: existing == nil ? .create : .update,
                why: why, regarding: owner))
    }

    private func deleteChildren(of owner: KubeObject, why: String, _ plan: inout Plan) {
        for type in Self.childTypes.reversed() {
            for child in self.observed.objects.sorted(type)
            where child.namespace == self.observed.systemNamespace && child.metadata.controller?.uid == owner.metadata.uid
                && Self.isOurs(child) && !child.metadata.isBeingDeleted
            {
                plan.deletes.append(Delete(type: type, key: child.key, uid: child.metadata.uid, why: why, regarding: owner))
            }
        }
    }

    /// A child under our name that belongs to somebody else.
    func foreignChild(of object: KubeObject) -> KubeObject? {
        let key = ObjectKey(namespace: self.observed.systemNamespace, name: ZoneProxyRole.children(of: object.name))
        return Self.childTypes.lazy.compactMap { self.observed.objects[$0, key] }.first { Self.isForeign($0, to: object) }
    }

    private static func isForeign(_ child: KubeObject, to owner: KubeObject) -> Bool {
        guard let controller = child.metadata.controller else { return !Self.isOurs(child) }
        return controller.uid != owner.metadata.uid
    }
}
