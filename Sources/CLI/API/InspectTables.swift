import FoundationEssentials
import JSONModel
import MeshModel

/// Overviews as people look at them: Kuma's columns, and the one word for what is wrong.
enum InspectTables {
    static func table(of items: [JSON], kind: ResourceKind, now: Date) -> String {
        if kind.name == ResourceKind.zone.name {
            return TextTable.text(
                columns: [
                    "NAME", "STATUS", "LAST CONNECTED AGO", "LAST UPDATED AGO", "LAST REPORT AGO", "TOTAL UPDATES", "EGRET-CP VERSION",
                    "REASON",
                ],
                rows: items.map { Self.zone($0, now: now) })
        }
        var columns = [
            "NAME", "STATUS", "LAST CONNECTED AGO", "LAST UPDATED AGO", "TOTAL UPDATES", "TOTAL ERRORS", "EGRET-DP VERSION", "REASON",
        ]
        // Only the global control plane has several zones to tell apart.
        let hasZones = items.contains { Self.zone(of: $0) != nil }
        if hasZones { columns.insert("ZONE", at: 0) }
        if kind.isOfMesh { columns.insert("MESH", at: 0) }
        let rows = items.map { item -> [String] in
            var row = Self.proxy(item, kind, now: now)
            if hasZones { row.insert(Self.zone(of: item) ?? "", at: 0) }
            if kind.isOfMesh { row.insert(item["mesh"]?.string ?? "", at: 0) }
            return row
        }
        return TextTable.text(columns: columns, rows: rows)
    }

    /// Where several zones' proxies are seen: at the global control plane all of them, in a zone the ingresses of the others.
    private static func zone(of item: JSON) -> String? {
        item.at("labels", Origin.label) == nil ? nil : item.at("labels", Origin.zoneLabel)?.string
    }

    /// Whether a proxy of another zone is there is known at the global control plane.
    private static func status(_ item: JSON, isOnline: Bool) -> String {
        if item.at("labels", Origin.label) == .string(Origin.global.rawValue) { return "Elsewhere" }
        return isOnline ? "Online" : "Offline"
    }

    private static func insight(_ item: JSON, _ kind: String) -> JSON {
        item["\(kind.prefix(1).lowercased() + kind.dropFirst())Insight"] ?? [:]
    }

    private static func proxy(_ item: JSON, _ kind: ResourceKind, now: Date) -> [String] {
        let streams = Self.insight(item, kind.name)["subscriptions"]?.array ?? []
        let isOnline = streams.contains { $0["disconnectTime"] == nil }
        func total(_ field: String) -> Int { streams.reduce(0) { $0 + ($1.at("status", "total", field)?.int ?? 0) } }
        let last = streams.last
        let ready = (item.at("status", "conditions")?.array ?? []).first { $0["type"] == "Ready" }
        let reason = ready?["status"] == "True" ? "" : ready?["reason"]?.string ?? ""
        return [
            item["name"]?.string ?? "", Self.status(item, isOnline: isOnline), Ago.text(last?["connectTime"]?.string, now: now),
            Ago.text(last?.at("status", "lastUpdateTime")?.string, now: now), "\(total("responsesSent"))",
            "\(total("responsesRejected"))", last?.at("version", "kumaDp", "version")?.string ?? "", reason,
        ]
    }

    private static func zone(_ item: JSON, now: Date) -> [String] {
        let insight = Self.insight(item, ResourceKind.zone.name)
        let streams = insight["subscriptions"]?.array ?? []
        let isOnline = streams.contains { $0["disconnectTime"] == nil }
        let last = streams.last
        let problems = (insight["problems"]?.array ?? []).count + (insight["leftOut"]?.array ?? []).count
        var reason = ""
        if isOnline, insight["upToDate"] == false { reason = "Updating" }
        if problems > 0 { reason = "\(problems) problem\(problems == 1 ? "" : "s"), see -o yaml" }
        return [
            item["name"]?.string ?? "", isOnline ? "Online" : "Offline", Ago.text(last?["connectTime"]?.string, now: now),
            Ago.text(last?.at("status", "lastUpdateTime")?.string, now: now), Ago.text(insight["lastReportTime"]?.string, now: now),
            "\(streams.reduce(0) { $0 + ($1.at("status", "total", "responsesSent")?.int ?? 0) })",
            last?.at("version", "kumaCp", "version")?.string ?? "", reason,
        ]
    }
}
