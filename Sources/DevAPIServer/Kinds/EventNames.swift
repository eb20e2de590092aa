import JSONModel

/// Events are stored once, as core/v1, and served under two groups that name some fields differently.
enum EventNames {
    /// core/v1 name and events.k8s.io/v1 name.
    private static let pairs = [
        ("involvedObject", "regarding"), ("message", "note"), ("reportingComponent", "reportingController"), ("source", "deprecatedSource"),
        ("firstTimestamp", "deprecatedFirstTimestamp"), ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"),
    ]

    static func toCore(_ event: JSON) -> JSON { Self.renamed(event, Self.pairs.map { ($0.1, $0.0) }, apiVersion: "v1") }
    static func fromCore(_ event: JSON) -> JSON { Self.renamed(event, Self.pairs, apiVersion: "events.k8s.io/v1") }

    private static func renamed(_ event: JSON, _ names: [(String, String)], apiVersion: String) -> JSON {
        var event = event
        for (old, new) in names {
            guard let value = event[old] else { continue }
            event[new] = value
            event[old] = nil
        }
        event["apiVersion"] = JSON(apiVersion)
        return event
    }

    /// When an event was last seen.
    static func lastSeen(_ event: JSON) -> String? {
        let found = [
            event.at("series", "lastObservedTime"), event["lastTimestamp"], event["deprecatedLastTimestamp"], event["eventTime"],
            event.at("metadata", "creationTimestamp"),
        ]
        return found.lazy.compactMap { $0?.string }.first
    }
}
