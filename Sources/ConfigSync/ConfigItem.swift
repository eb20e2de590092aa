import FoundationEssentials
package import Routing

/// The parts a `ProxyConfig` is sent and kept in, one line of canonical JSON each: `{"cluster":{…}}`.
///
/// In this order: listeners, the routes of an SNI listener behind it (its own line has none), clusters, trust, identities, limits.
package enum ConfigItem: Hashable, Sendable {
    case listener(Listener)
    case route(Route)
    case cluster(Cluster)
    case trust(Trust)
    case identity(IdentityRequest)
    /// At most once, and only where there are any.
    case limits(ConfigLimits)

    package enum Kind: String, CaseIterable, CodingKey { case listener, route, cluster, trust, identity, limits }

    package var kind: Kind {
        switch self {
        case .listener: .listener
        case .route: .route
        case .cluster: .cluster
        case .trust: .trust
        case .identity: .identity
        case .limits: .limits
        }
    }
}

/// What of a `ProxyConfig` is no list.
package struct ConfigLimits: Codable, Hashable, Sendable {
    package var maxConnections: Int?
    package var removedRoutes: ProxyConfig.RemovedRoutes?

    /// Nil where nothing is limited.
    init?(of config: ProxyConfig) {
        if config.maxConnections == nil, config.removedRoutes == nil { return nil }
        self.maxConnections = config.maxConnections
        self.removedRoutes = config.removedRoutes
    }
}

extension ConfigItem: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Kind.self)
        guard let kind = container.allKeys.first else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "is of a kind this proxy does not know"))
        }
        switch kind {
        case .listener: self = .listener(try container.decode(Listener.self, forKey: kind))
        case .route: self = .route(try container.decode(Route.self, forKey: kind))
        case .cluster: self = .cluster(try container.decode(Cluster.self, forKey: kind))
        case .trust: self = .trust(try container.decode(Trust.self, forKey: kind))
        case .identity: self = .identity(try container.decode(IdentityRequest.self, forKey: kind))
        case .limits: self = .limits(try container.decode(ConfigLimits.self, forKey: kind))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Kind.self)
        switch self {
        case .listener(let value): try container.encode(value, forKey: .listener)
        case .route(let value): try container.encode(value, forKey: .route)
        case .cluster(let value): try container.encode(value, forKey: .cluster)
        case .trust(let value): try container.encode(value, forKey: .trust)
        case .identity(let value): try container.encode(value, forKey: .identity)
        case .limits(let value): try container.encode(value, forKey: .limits)
        }
    }
}

extension JSONEncoder {
    /// Equal values give equal text: members sorted by name, no white space, slashes unescaped.
    static var canonical: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
