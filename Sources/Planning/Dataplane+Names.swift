import KubeAPI
import MeshModel

/// What a dataplane's certificate says of it, on which permissions rest: nothing that the dataplane merely claims. Outside of
/// Kubernetes its token vouches for its tags; in a cluster the pod does.
extension World {
    /// Nil for a dataplane without a service: it has no identity.
    func certificateNames(of dataplane: Dataplane, _ object: KubeObject) -> [String]? {
        guard let first = dataplane.inbounds.first?.service ?? dataplane.gatewayTags?[Tag.service] else { return nil }
        var tags = dataplane.tags
        if self.observed.home == .kubernetes {
            guard let pod = self.observed.objects[.pods, object.key] else { return nil }
            tags = Self.granted(dataplane, pod)
        }
        tags[Tag.zone] = [self.observed.settings.zone]
        return CertificateNames.of(first, tags: tags, in: dataplane.mesh)
    }

    /// Services, each of which was found to select the pod, and what follows from them; of other tags those that are labels of the
    /// pod.
    private static func granted(_ dataplane: Dataplane, _ pod: KubeObject) -> [String: Set<String>] {
        var tags: [String: Set<String>] = [Tag.service: Set(dataplane.services), Tag.namespace: [pod.namespace ?? ""]]
        for claim in dataplane.services.compactMap(ServiceClaim.init) {
            tags[Tag.serviceName, default: []].insert(claim.name)
            if let port = claim.port { tags[Tag.servicePort, default: []].insert(String(port)) }
        }
        for (key, values) in dataplane.tags where tags[key] == nil && !Self.isReserved(key) {
            // Says nothing about who somebody is, and no label does.
            let shown = key == Tag.protocolName ? values : values.filter { pod.metadata.labels[key] == $0 }
            if !shown.isEmpty { tags[key] = shown }
        }
        return tags
    }

    /// Tags that only the control plane gives.
    private static func isReserved(_ key: String) -> Bool { key.contains("kuma.io/") && key != Tag.protocolName }

    /// A sentence about tags that the pod does not vouch for; empty where it does for all.
    static func withheld(_ dataplane: Dataplane, _ pod: KubeObject) -> String {
        let granted = Self.granted(dataplane, pod)
        let withheld = dataplane.tags.filter { $0.key != Tag.zone }.flatMap { key, values in
            values.subtracting(granted[key] ?? []).map { "\(key)=\($0)" }
        }.sorted()
        if withheld.isEmpty { return "" }
        return " Its certificate does not name \(withheld.joined(separator: ", ")), because the pod has no such label."
    }
}
