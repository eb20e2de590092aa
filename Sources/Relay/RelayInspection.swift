package import FoundationEssentials
package import Routing

/// One open connection, for the admin page.
package struct OpenConnection: Sendable {
    package var id: ConnectionID
    package var listener: String
    package var client: IPEndpoint
    package var serverName: String?
    package var state: State
    package var origin: String?
    package var cluster: String?
    package var endpoint: String?
    package var openedAt: Date
    package var bytesIn: UInt64
    package var bytesOut: UInt64

    package enum State: String, Sendable {
        case readingHello = "reading_hello"
        case resolving
        case connecting
        case relaying
        /// With the TLS side.
        case handedOff = "handed_off"
        /// Refused; waiting for the client to read the alert.
        case closing
    }
}

/// One cluster as the workers see it together, for the admin page.
package struct ClusterState: Sendable {
    package var name: String
    package var endpoints: [EndpointState]

    package struct EndpointState: Sendable {
        package var endpoint: Endpoint
        /// Addresses a host name stands for now.
        package var resolved: [String]
        package var active: Int
        package var connects: UInt64
        package var failures: UInt64
        /// Set aside by at least one worker after failures.
        package var ejected: Bool
    }
}

extension ClusterState {
    /// Adds up what the workers say of the same clusters and endpoints.
    static func merge(_ perWorker: [[ClusterState]]) -> [ClusterState] {
        var merged: [String: ClusterState] = [:]
        for cluster in perWorker.joined() {
            guard var sum = merged[cluster.name] else {
                merged[cluster.name] = cluster
                continue
            }
            for state in cluster.endpoints {
                let same = sum.endpoints.firstIndex {
                    $0.endpoint.address == state.endpoint.address && $0.endpoint.port == state.endpoint.port
                }
                guard let same else {
                    sum.endpoints.append(state)
                    continue
                }
                sum.endpoints[same].active += state.active
                sum.endpoints[same].connects += state.connects
                sum.endpoints[same].failures += state.failures
                sum.endpoints[same].ejected = sum.endpoints[same].ejected || state.ejected
            }
            merged[cluster.name] = sum
        }
        return merged.values.sorted { $0.name < $1.name }
    }
}

/// A listener that is bound.
package struct BoundListener: Hashable, Sendable {
    package var name: String
    /// With the port the kernel chose where the configuration said 0.
    package var address: IPEndpoint
}
