import FoundationEssentials
package import JSONModel
import MeshModel
import Planning
import Routing
package import Store

/// What is known of what a resource stands for, in the form of Kuma's insights.
package protocol Insights: Sendable {
    func insight(of resource: StoredResource) -> JSON
}

/// Of proxies with streams to this control plane.
struct ProxyInsights: Insights {
    let reader: any ResourceReader
    let hub: ConfigHub
    let acknowledgements: AcknowledgementBook

    private var presence: Presence { self.hub.presence }

    func insight(of resource: StoredResource) -> JSON {
        let proxies = self.reader.proxies(of: resource.id)
        let streams = proxies.flatMap { self.presence.history(of: $0) }.sorted { $0.opened < $1.opened }
        var insight: JSON = ["subscriptions": .array(streams.map(Self.subscription))]
        let certificates = proxies.flatMap(self.certificates)
        if !certificates.isEmpty { insight["certificates"] = .array(certificates) }
        // A dataplane has one mesh, and Kuma's place for it.
        if resource.id.kind == ResourceKind.dataplane.name, let first = certificates.first { insight["mTLS"] = first }
        return insight
    }

    /// What this control plane signed; and which authorities proxies that are there have to do with, as they say to any replica.
    private func certificates(of proxy: ProxyID) -> [JSON] {
        let issued = self.presence.issued(to: proxy)
        let isThere =
            self.presence.hasStream(proxy) || self.acknowledgements.othersStreams.contains(proxy) || self.reader.isServing(proxy)
        let told = isThere ? self.acknowledgements.all[proxy]?.authorities ?? [:] : [:]
        return Set(issued.keys).union(told.keys).sorted().map { mesh in
            var json: JSON = ["mesh": .string(mesh)]
            if let issued = issued[mesh] {
                json["lastCertificateRegeneration"] = .string(issued.at.formatted(.iso8601))
                json["certificateExpirationTime"] = .string(issued.until.formatted(.iso8601))
            }
            // Numbers of the Mesh's generations; 0 is one that it does not name any more.
            func generation(_ key: String) -> JSON { JSON(self.hub.world?.generation(ofAuthority: key, in: mesh) ?? 0) }
            if let told = told[mesh] {
                json["trusted"] = .array(told.trusted.map(generation))
                json["issuer"] = told.issuer.map(generation)
            }
            return json
        }
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
