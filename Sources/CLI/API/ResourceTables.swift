import FoundationEssentials
import JSONModel
import MeshModel

/// Resources as people look at them: Kuma's columns.
enum ResourceTables {
    static func table(of items: [JSON], kind: ResourceKind, now: Date) -> String {
        func age(_ item: JSON) -> String { Ago.text(item["modificationTime"]?.string, now: now) }
        func name(_ item: JSON) -> String { item["name"]?.string ?? "" }
        // Ready, or the one word for what is wrong; nothing before the control plane has looked.
        func status(_ item: JSON) -> String {
            (item.at("status", "conditions")?.array ?? []).first { $0["type"] == "Ready" }?["reason"]?.string ?? ""
        }
        switch kind.name {
        case ResourceKind.mesh.name:
            return TextTable.text(
                columns: ["NAME", "MTLS", "LOCALITY", "ZONEEGRESS", "AGE"],
                rows: items.map { item in
                    let backend = item.at("mtls", "enabledBackend")?.string ?? ""
                    let type = (item.at("mtls", "backends")?.array ?? []).first { $0["name"]?.string == backend }?["type"]?.string
                    return [
                        name(item), backend.isEmpty ? "off" : "\(type ?? "")/\(backend)",
                        item.at("routing", "localityAwareLoadBalancing") == true ? "on" : "off",
                        item.at("routing", "zoneEgress") == true ? "on" : "off", age(item),
                    ]
                })
        case ResourceKind.zoneEgress.name, ResourceKind.zoneIngress.name:
            return TextTable.text(
                columns: ["NAME", "ZONE", "ADDRESS", "AGE"],
                rows: items.map { item in
                    let networking = item["networking"] ?? [:]
                    let address = networking["advertisedAddress"]?.string ?? networking["address"]?.string ?? ""
                    let port = (networking["advertisedPort"] ?? networking["port"])?.int.map { ":\($0)" } ?? ""
                    return [name(item), item["zone"]?.string ?? "", address + port, age(item)]
                })
        case ResourceKind.dataplane.name:
            return TextTable.text(
                columns: ["MESH", "NAME", "TAGS", "ADDRESS", "AGE"],
                rows: items.map { item in
                    let tags = (item.at("networking", "inbound")?.array ?? []).flatMap { inbound in
                        (inbound["tags"]?.object ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.string ?? "")" }
                    }
                    return [
                        item["mesh"]?.string ?? "", name(item), tags.joined(separator: " "),
                        item.at("networking", "address")?.string ?? "", age(item),
                    ]
                })
        case ResourceKind.externalService.name, ResourceKind.meshExternalService.name:
            return TextTable.text(
                columns: ["MESH", "NAME", "TAGS", "ADDRESS", "STATUS", "AGE"],
                rows: items.map { item in
                    let tags = (item["tags"]?.object ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.string ?? "")" }
                    let endpoints = (item.at("spec", "endpoints")?.array ?? []).map { endpoint in
                        "\(endpoint["address"]?.string ?? ""):\(endpoint["port"]?.int ?? 0)"
                    }
                    return [
                        item["mesh"]?.string ?? "", name(item), tags.joined(separator: " "),
                        item.at("networking", "address")?.string ?? endpoints.joined(separator: ","), status(item), age(item),
                    ]
                })
        case _ where kind.isOfMesh && !kind.isSecret:
            return TextTable.text(
                columns: ["MESH", "NAME", "STATUS", "AGE"],
                rows: items.map { [$0["mesh"]?.string ?? "", name($0), status($0), age($0)] })
        case _ where kind.isOfMesh:
            return TextTable.text(
                columns: ["MESH", "NAME", "AGE"], rows: items.map { [$0["mesh"]?.string ?? "", name($0), age($0)] })
        default: return TextTable.text(columns: ["NAME", "AGE"], rows: items.map { [name($0), age($0)] })
        }
    }
}

/// How long ago something was, in its largest unit: `5s`, `3m`, `2h`, `4d`.
enum Ago {
    static func text(_ time: String?, now: Date) -> String {
        guard let time, let date = try? Date(time, strategy: .iso8601) else { return "never" }
        let seconds = max(0, Int(now.timeIntervalSince(date)))
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m"
        case ..<86_400: return "\(seconds / 3600)h"
        default: return "\(seconds / 86_400)d"
        }
    }
}
