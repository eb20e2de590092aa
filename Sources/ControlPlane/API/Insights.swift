import FoundationEssentials
package import JSONModel
import MeshModel
import Planning
package import Store

/// What is known of what a resource stands for, in the form of Kuma's insights.
package protocol Insights: Sendable {
    func insight(of resource: StoredResource) -> JSON
}

/// Of proxies with streams to this control plane.
struct ProxyInsights: Insights {
    let reader: any ResourceReader
    let presence: Presence

    func insight(of resource: StoredResource) -> JSON {
        let proxies = self.reader.proxies(of: resource.id)
        let streams = proxies.flatMap { self.presence.history(of: $0) }.sorted { $0.opened < $1.opened }
        var insight: JSON = ["subscriptions": .array(streams.map(Self.subscription))]
        let certificates = proxies.flatMap { proxy in
            self.presence.issued(to: proxy).sorted { $0.key < $1.key }.map { Self.certificate($0.value, mesh: $0.key) }
        }
        if !certificates.isEmpty { insight["certificates"] = .array(certificates) }
        // A dataplane has one mesh, and Kuma's place for it.
        if resource.id.kind == ResourceKind.dataplane.name, let first = certificates.first { insight["mTLS"] = first }
        return insight
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
