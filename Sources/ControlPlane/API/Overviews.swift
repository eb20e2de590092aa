import FoundationEssentials
import JSONModel
import MeshModel
import Store

/// Resources of proxies and zones together with what is known of them: Kuma's overviews, with Egret's conditions beside.
struct Overviews: Sendable {
    static let proxyKinds: Set<String> = [ResourceKind.zoneEgress.name, ResourceKind.zoneIngress.name, ResourceKind.dataplane.name]
    static let kinds = Self.proxyKinds.union([ResourceKind.zone.name])

    let insights: any Insights

    func overview(of resource: StoredResource) -> JSON {
        let kind = resource.id.kind
        let member = kind.prefix(1).lowercased() + kind.dropFirst()
        var json: JSON = [
            "type": .string("\(kind)Overview"), "name": .string(resource.id.name),
            "creationTime": .string(resource.created.formatted(.iso8601)),
            "modificationTime": .string(resource.modified.formatted(.iso8601)), member: resource.spec,
        ]
        if !resource.id.mesh.isEmpty { json["mesh"] = .string(resource.id.mesh) }
        if !resource.labels.isEmpty { json["labels"] = .object(resource.labels.mapValues(JSON.string)) }
        json["\(member)Insight"] = self.insights.insight(of: resource)
        if !resource.status.isNull { json["status"] = resource.status }
        return json
    }
}
