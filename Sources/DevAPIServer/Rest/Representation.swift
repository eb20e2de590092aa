import JSONModel

/// In which shape a client wants objects, by its Accept header.
enum Representation: Hashable, Sendable {
    case whole
    case table
    case metadata

    /// The first alternative we can serve wins, as clients list them by preference.
    init(accept: String) {
        for alternative in accept.split(separator: ",") {
            let parameters = alternative.split(separator: ";").map(\.trimmed)
            guard parameters.first == "application/json" || parameters.first == "*/*" || parameters.first == "application/*" else {
                continue
            }
            let form = parameters.first { $0.hasPrefix("as=") }?.dropFirst(3)
            guard let form else {
                self = .whole
                return
            }
            guard parameters.contains("v=v1"), parameters.contains("g=meta.k8s.io") else { continue }
            switch form {
            case "Table":
                self = .table
                return
            case "PartialObjectMetadata", "PartialObjectMetadataList":
                self = .metadata
                return
            default: continue
            }
        }
        self = .whole
    }
}

enum PartialMetadata {
    static func of(_ object: JSON) -> JSON {
        ["apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"] ?? [:]]
    }
}
