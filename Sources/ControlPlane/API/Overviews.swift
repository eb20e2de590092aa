import FoundationEssentials
import JSONModel
import MeshModel
import Planning
import Store

/// Resources of proxies together with what is known of the proxies: Kuma's overviews, with Egret's conditions beside.
struct Overviews: Sendable {
    static let kinds: Set<String> = [ResourceKind.zoneEgress.name, ResourceKind.zoneIngress.name, ResourceKind.dataplane.name]

    let reader: any ResourceReader
    let presence: Presence

    func overview(of resource: StoredResource, now: Date) -> JSON {
        let kind = resource.id.kind
        let member = kind.prefix(1).lowercased() + kind.dropFirst()
        var json: JSON = [
            "type": .string("\(kind)Overview"), "name": .string(resource.id.name),
            "creationTime": .string(resource.created.formatted(.iso8601)),
            "modificationTime": .string(resource.modified.formatted(.iso8601)), member: resource.spec,
        ]
        if !resource.id.mesh.isEmpty { json["mesh"] = .string(resource.id.mesh) }
        let proxies = self.reader.proxies(of: resource.id)
        let streams = proxies.flatMap { self.presence.history(of: $0) }.sorted { $0.opened < $1.opened }
        var insight: JSON = ["subscriptions": .array(streams.map(Self.subscription))]
        let certificates = proxies.flatMap { proxy in
            self.presence.issued(to: proxy).sorted { $0.key < $1.key }.map { Self.certificate($0.value, mesh: $0.key) }
        }
        if !certificates.isEmpty { insight["certificates"] = .array(certificates) }
        // A dataplane has one mesh, and Kuma's place for it.
        if resource.id.kind == ResourceKind.dataplane.name, let first = certificates.first { insight["mTLS"] = first }
        json["\(member)Insight"] = insight
        if !resource.status.isNull { json["status"] = resource.status }
        return json
    }

    private static func certificate(_ issued: Presence.Issued, mesh: String) -> JSON {
        [
            "mesh": .string(mesh), "lastCertificateRegeneration": .string(issued.at.formatted(.iso8601)),
            "certificateExpirationTime": .string(issued.until.formatted(.iso8601)),
        ]
    }

    private static func subscription(_ stream: Presence.Stream) -> JSON {
        var json: JSON = [
            "id": .string(stream.id), "connectTime": .string(stream.opened.formatted(.iso8601)),
            "status": [
                "lastUpdateTime": .string((stream.updated ?? stream.opened).formatted(.iso8601)),
                "total": [
                    "responsesSent": JSON(stream.sent), "responsesAcknowledged": JSON(stream.acknowledged),
                    "responsesRejected": JSON(stream.rejected),
                ],
            ],
            "version": ["kumaDp": ["version": .string(stream.version)], "envoy": ["version": ""]],
        ]
        json["disconnectTime"] = stream.closed.map { .string($0.formatted(.iso8601)) }
        return json
    }
}
