import FoundationEssentials
import JSONModel

/// Objects as `meta.k8s.io/v1` Table, which is what `kubectl get` prints.
enum TableWriter {
    static func table(of objects: [JSON], list metadata: JSON, call: APIService.Call, now: Date) -> JSON {
        let columns = call.type.columns
        let definitions = columns.map { column -> JSON in
            [
                "name": JSON(column.name), "type": JSON(column.type), "format": JSON(column.format), "description": JSON(column.summary),
                "priority": JSON(column.priority),
            ]
        }
        let includes = call.request.query["includeObject"] ?? "Metadata"
        let rows = objects.map { object -> JSON in
            var row: JSON = ["cells": .array(columns.map { Self.cell($0, object, now) })]
            switch includes {
            case "None": break
            case "Object": row["object"] = object
            default: row["object"] = PartialMetadata.of(object)
            }
            return row
        }
        var head: JSON = ["resourceVersion": metadata["resourceVersion"] ?? ""]
        for name in ["continue", "remainingItemCount"] { head[name] = metadata[name] }
        return [
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": head, "columnDefinitions": .array(definitions),
            "rows": .array(rows),
        ]
    }

    private static func cell(_ column: Column, _ object: JSON, _ now: Date) -> JSON {
        switch column.source {
        case .name: return object.at("metadata", "name") ?? ""
        case .age: return JSON(Age.since(object.meta("creationTimestamp"), now: now))
        case .since(let moment): return JSON(Age.since(moment(object), now: now))
        case .computed(let compute): return compute(object)
        case .path(let path):
            let values = path.values(in: object)
            if values.isEmpty { return .null }
            switch column.type {
            case "date": return JSON(Age.since(values[0].string, now: now))
            case "integer": return values[0].int.map { JSON($0) } ?? .null
            case "number", "boolean": return values[0]
            default: return JSON(values.map { $0.string ?? $0.text }.joined(separator: ","))
            }
        }
    }
}

/// Durations as kubectl shows ages: `5s`, `3m20s`, `45m`, `5h10m`, `3d4h`, `20d`.
enum Age {
    static func since(_ timestamp: String?, now: Date) -> String {
        guard let timestamp else { return "<unknown>" }
        guard let date = Timestamp.date(timestamp) else { return "<invalid>" }
        return Self.text(seconds: Int(now.timeIntervalSince(date)))
    }

    static func text(seconds: Int) -> String {
        if seconds < -1 { return "<invalid>" }
        if seconds < 0 { return "0s" }
        if seconds < 120 { return "\(seconds)s" }
        let minutes = seconds / 60
        if minutes < 10 { return seconds % 60 == 0 ? "\(minutes)m" : "\(minutes)m\(seconds % 60)s" }
        if minutes < 180 { return "\(minutes)m" }
        let hours = minutes / 60
        if hours < 8 { return minutes % 60 == 0 ? "\(hours)h" : "\(hours)h\(minutes % 60)m" }
        if hours < 48 { return "\(hours)h" }
        if hours < 192 { return hours % 24 == 0 ? "\(hours / 24)d" : "\(hours / 24)d\(hours % 24)h" }
        if hours < 24 * 365 * 2 { return "\(hours / 24)d" }
        let days = hours / 24
        if days < 365 * 8 { return days % 365 == 0 ? "\(days / 365)y" : "\(days / 365)y\(days % 365)d" }
        return "\(days / 365)y"
    }
}
