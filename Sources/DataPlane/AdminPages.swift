import FoundationEssentials
import JSONModel
import Relay
import Routing

/// What the admin server shows, as values.
enum AdminPages {
    /// The configuration in service. Private keys are left out.
    static func config(_ applied: ConfigApplier.Applied?, errors: [ItemError], refused: ConfigApplier.Refused? = nil) -> JSON {
        var page = self.config(applied, errors)
        page["refused"] = refused.map {
            ["at": JSON($0.at.formatted(.iso8601)), "problems": .array($0.problems.map { JSON($0) })]
        }
        return page
    }

    private static func config(_ applied: ConfigApplier.Applied?, _ errors: [ItemError]) -> JSON {
        guard let applied else { return ["hash": nil, "config": nil, "errors": []] }
        return [
            "hash": JSON(applied.hash),
            "generation": JSON(applied.generation),
            "appliedAt": JSON(applied.at.formatted(.iso8601)),
            "config": (try? JSON(encoding: self.redacted(applied.config))) ?? nil,
            "errors": (try? JSON(encoding: errors)) ?? [],
        ]
    }

    static func redacted(_ config: ProxyConfig) -> ProxyConfig {
        var config = config
        for index in config.clusters.indices {
            config.clusters[index].changeExternals { $0.clientCertificate?.key = "(not shown)" }
        }
        return config
    }

    static func connections(_ connections: [OpenConnection], limit: Int) -> JSON {
        ["total": JSON(connections.count), "connections": self.list(connections.prefix(limit))]
    }

    private static func list(_ connections: some Sequence<OpenConnection>) -> JSON {
        .array(
            connections.map { connection in
                var json: JSON = [
                    "id": JSON(connection.id.description), "listener": JSON(connection.listener),
                    "client": JSON(connection.client.description), "state": JSON(connection.state.rawValue),
                    "openedAt": JSON(connection.openedAt.formatted(.iso8601)),
                    "bytesIn": .int(Int64(clamping: connection.bytesIn)), "bytesOut": .int(Int64(clamping: connection.bytesOut)),
                ]
                json["sni"] = connection.serverName.map { JSON($0) }
                json["route"] = connection.origin.map { JSON($0) }
                json["cluster"] = connection.cluster.map { JSON($0) }
                json["endpoint"] = connection.endpoint.map { JSON($0) }
                return json
            })
    }

    static func clusters(_ clusters: [ClusterState]) -> JSON {
        .array(
            clusters.map { cluster in
                var json: JSON = [
                    "name": JSON(cluster.name), "active": JSON(cluster.active),
                    "endpoints": .array(
                        cluster.endpoints.map { state in
                            [
                                "address": JSON(state.endpoint.address), "port": JSON(Int(state.endpoint.port)),
                                "resolved": .array(state.resolved.map { JSON($0) }), "active": JSON(state.active),
                                "connects": .int(Int64(clamping: state.connects)), "failures": .int(Int64(clamping: state.failures)),
                                "ejected": JSON(state.ejected),
                            ]
                        }),
                ]
                json["failoverThreshold"] = cluster.failoverThreshold.map { JSON($0) }
                json["maxConnections"] = cluster.maxConnections.map { JSON($0) }
                return json
            })
    }
}
