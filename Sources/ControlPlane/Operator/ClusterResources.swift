import FoundationEssentials
import JSONModel
import KubeAPI
import MeshModel
package import Planning
package import Store

/// The objects of a cluster as the API's resources. Those of the system namespace go by their own name, others by
/// `<name>.<namespace>`, as in Kuma.
package struct ClusterResources: ResourceReader {
    private let source: any WorldSource

    /// Whether zone proxies of other namespaces, which count nowhere, are left out.
    private let leavesOutForeign: Bool

    package init(_ source: any WorldSource, leavesOutForeign: Bool = false) {
        self.source = source
        self.leavesOutForeign = leavesOutForeign
    }

    package func resources(_ kind: String) -> [StoredResource] {
        guard let type = Self.type(kind) else { return [] }
        let isForeign = { (object: KubeObject) in
            self.leavesOutForeign && [.zoneEgresses, .zoneIngresses].contains(type) && object.namespace != self.source.namespace
        }
        return self.source.objects(type).filter { !isForeign($0) }.map { self.resource($0, kind) }.sorted { $0.id < $1.id }
    }

    package func resource(_ id: ResourceID) -> StoredResource? { self.resources(id.kind).first { $0.id == id } }

    package func proxies(of id: ResourceID) -> [ProxyID] {
        switch id.kind {
        case ResourceKind.zoneEgress.name: return self.proxies(of: id.name, .egress)
        case ResourceKind.zoneIngress.name: return self.proxies(of: id.name, .ingress)
        case ResourceKind.dataplane.name:
            return [ProxyID(.dataplane, id.name.contains(".") ? id.name : "\(id.name).\(self.source.namespace)")]
        default: return []
        }
    }

    private func proxies(of name: String, _ role: ZoneProxyRole) -> [ProxyID] {
        let pods = self.source.objects(.pods).filter { pod in
            pod.namespace == self.source.namespace && pod.metadata.labels[role.label] == name
        }
        return [ProxyID(role.proxy, name)] + pods.map { ProxyID(role.proxy, pod: $0) }
    }

    package func isServing(_ proxy: ProxyID) -> Bool {
        self.source.objects(.pods).contains { $0.isPodReady && ProxyID(proxy.kind, pod: $0) == proxy }
    }

    private static func type(_ kind: String) -> ResourceType? { ResourceType.kumaTypes.first { $0.kind == kind } }

    private func resource(_ object: KubeObject, _ kind: String) -> StoredResource {
        let isOfMesh = ResourceKind.named(kind)?.isOfMesh ?? false
        let mesh = object["mesh"]?.string ?? object.metadata.labels["kuma.io/mesh"] ?? MeshName.default.text
        let isOurs = object.namespace == nil || object.namespace == self.source.namespace
        let created = object.metadata.creationTimestamp ?? .distantPast
        // When somebody last wrote more than the status.
        let writes = (object.metadata.json["managedFields"]?.array ?? []).filter { $0["subresource"] == nil }
        let modified = writes.compactMap { $0["time"]?.string.flatMap(Date.init(rfc3339:)) }.max() ?? created
        return StoredResource(
            id: ResourceID(kind: kind, mesh: isOfMesh ? mesh : "", name: isOurs ? object.name : "\(object.name).\(object.namespace ?? "")"),
            version: Int64(object.metadata.resourceVersion ?? "") ?? 0, created: created, modified: modified,
            labels: object.metadata.labels,
            spec: object.spec, status: object["status"] ?? nil)
    }
}
