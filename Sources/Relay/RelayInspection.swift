package import FoundationEssentials
import NameResolution
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

/// One cluster as all connections see it, for the admin page.
package struct ClusterState: Sendable {
    package var name: String
    /// Connections and attempts, those of former tables included.
    package var active: Int
    package var maxConnections: Int?
    package var failoverThreshold: Int?
    package var endpoints: [EndpointState]

    package struct EndpointState: Sendable {
        package var endpoint: Endpoint
        /// Addresses a host name stands for now.
        package var resolved: [String]
        package var active: Int
        package var connects: UInt64
        package var failures: UInt64
        /// Set aside after failures.
        package var ejected: Bool
    }
}

extension ClusterState {
    init(_ cluster: UpstreamCluster, _ resolver: any NameResolver, now: Int64) {
        self.name = cluster.cluster.name
        self.active = cluster.activeConnections
        self.maxConnections = cluster.cluster.maxConnections
        self.failoverThreshold = cluster.cluster.failoverThreshold
        self.endpoints = cluster.endpoints.enumerated().map { place, endpoint in
            let state = cluster.states[place]
            let addresses = cluster.literal(place).map { [$0] } ?? resolver.known(endpoint.address)?.addresses ?? []
            return EndpointState(
                endpoint: endpoint, resolved: addresses.map(\.address), active: state.activeConnections, connects: state.connectCount,
                failures: state.failureCount, ejected: state.isEjected(now: now))
        }
    }
}

/// A listener that is bound.
package struct BoundListener: Hashable, Sendable {
    package var name: String
    /// With the port the kernel chose where the configuration said 0.
    package var address: IPEndpoint
}
