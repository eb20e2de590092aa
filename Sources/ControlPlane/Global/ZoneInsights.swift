import FoundationEssentials
package import JSONModel
import MeshModel
package import Store
import ZoneSync

/// Of zones, and of their proxies as the zones tell it. What a zone told counts as long as it is connected; afterwards its
/// proxies are shown as offline, because nobody knows.
package struct ZoneInsights: Insights {
    private let book: ZoneBook

    package init(_ book: ZoneBook) { self.book = book }

    package func insight(of resource: StoredResource) -> JSON {
        if resource.id.kind == ResourceKind.zone.name { return self.zone(resource.id.name) }
        guard let zone = resource.labels[Origin.zoneLabel], let told = self.book.told(zone),
            var insight = told.report.insights[SharedItem.ID(resource.id)]?.insight
        else { return ["subscriptions": []] }
        guard !self.book.isConnected(zone) else { return insight }
        let since = JSON.string((self.book.left(zone) ?? told.at).formatted(.iso8601))
        insight["subscriptions"] = .array(
            (insight["subscriptions"]?.array ?? []).map { subscription in
                var subscription = subscription
                if subscription["disconnectTime"] == nil { subscription["disconnectTime"] = since }
                return subscription
            })
        return insight
    }

    private func zone(_ name: String) -> JSON {
        var insight: JSON = ["subscriptions": .array(self.book.streams(of: name).map(Self.subscription))]
        if let applied = self.book.hasApplied(name) { insight["upToDate"] = .bool(applied) }
        guard let told = self.book.told(name) else { return insight }
        insight["lastReportTime"] = .string(told.at.formatted(.iso8601))
        insight["problems"] = told.report.about["problems"]
        if !told.report.dropped.isEmpty { insight["leftOut"] = .array(told.report.dropped.map(JSON.string)) }
        return insight
    }

    private static func subscription(_ stream: ZoneBook.Stream) -> JSON {
        var json: JSON = [
            "id": .string(stream.id), "zoneInstanceId": .string(stream.instance),
            "connectTime": .string(stream.opened.formatted(.iso8601)),
            "status": [
                "lastUpdateTime": .string((stream.updated ?? stream.opened).formatted(.iso8601)),
                "total": ["responsesSent": JSON(stream.sent)],
            ],
            "version": ["kumaCp": ["version": .string(stream.version)]],
        ]
        json["disconnectTime"] = stream.closed.map { .string($0.formatted(.iso8601)) }
        return json
    }
}
