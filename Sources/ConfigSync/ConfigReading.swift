package import JSONModel
package import Routing

/// A `ProxyConfig` read from JSON that this program may only partly understand: items it cannot read, such as those of a
/// newer control plane, are left out and named; the rest is whole.
package struct ConfigReading: Hashable, Sendable {
    package var config: ProxyConfig
    package var errors: [ItemError]

    package init(_ json: JSON) {
        if let config = try? json.decoded(as: ProxyConfig.self) {
            self.config = config
            self.errors = []
            return
        }
        var errors: [ItemError] = []
        self.config = ProxyConfig(
            listeners: Self.items(json, "listeners", kind: "listener", name: "name", &errors, prepare: Self.withReadableRoutes),
            clusters: Self.items(json, "clusters", kind: "cluster", name: "name", &errors),
            trust: Self.items(json, "trust", kind: "trust", name: "mesh", &errors),
            identities: Self.items(json, "identities", kind: "identity", name: "mesh", &errors),
            maxConnections: json["maxConnections"]?.int,
            removedRoutes: json["removedRoutes"]?.string.flatMap(ProxyConfig.RemovedRoutes.init))
        self.errors = errors
    }

    private static func items<Item: Decodable>(
        _ json: JSON, _ field: String, kind: String, name: String, _ errors: inout [ItemError],
        prepare: (JSON, inout [ItemError]) -> JSON = { item, _ in item }
    ) -> [Item] {
        guard let elements = json[field]?.array else {
            errors.append(ItemError(item: field, message: "is missing or not a list"))
            return []
        }
        return elements.enumerated().compactMap { index, element in
            let item = prepare(element, &errors)
            do {
                return try item.decoded(as: Item.self)
            } catch {
                errors.append(ItemError(item: "\(kind) \(element[name]?.string ?? "\(index)")", message: self.sentence(error)))
                return nil
            }
        }
    }

    private static func withReadableRoutes(_ listener: JSON, _ errors: inout [ItemError]) -> JSON {
        guard let routes = listener.at("kind", "sni", "routes")?.array else { return listener }
        var readable: [JSON] = []
        for (index, route) in routes.enumerated() {
            do {
                _ = try route.decoded(as: Route.self)
                readable.append(route)
            } catch {
                errors.append(ItemError(item: "route \(route["origin"]?.string ?? "\(index)")", message: self.sentence(error)))
            }
        }
        var listener = listener
        listener.set(["kind", "sni", "routes"], to: .array(readable))
        return listener
    }

    private static func sentence(_ error: any Error) -> String {
        func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
            (context.codingPath + (last.map { [$0] } ?? [])).map(\.stringValue).joined(separator: ".")
        }
        return switch error {
        case DecodingError.keyNotFound(let key, let context): "\(path(context, key)) is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "\(path(context)) has a form this proxy does not know"
        case DecodingError.dataCorrupted(let context):
            context.codingPath.isEmpty ? "has a form this proxy does not know" : "\(path(context)) has a form this proxy does not know"
        default: "has a form this proxy does not know"
        }
    }
}
