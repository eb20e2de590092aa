package import Logging
import NIOCore
import NIOPosix
package import NameResolution
package import Routing
import Synchronization

/// Relays connections whose TLS ends or begins in this proxy. Takes connected sockets; `RelayedConnection` is one of them.
package final class TLSRelay: Sendable {
    package let options: TLSRelayOptions
    package let credentials: TLSCredentials
    let balancers = Balancers()
    let resolver: any NameResolver
    let logger: Logger
    private let group: MultiThreadedEventLoopGroup
    private let connections = Mutex<[UInt64: NIOLoopBound<RelayedConnection>]>([:])

    package init(
        options: TLSRelayOptions, credentials: TLSCredentials, resolver: any NameResolver = DNSResolver(), logger: Logger
    ) {
        self.options = options
        self.resolver = resolver
        self.credentials = credentials
        self.logger = logger
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, options.threads))
    }

    /// Takes over the socket and returns at once. `connection.finish` says how it ended.
    package func take(_ connection: TLSConnection) {
        let loop = self.group.next()
        loop.execute { RelayedConnection(connection, relay: self, loop: loop).start() }
    }

    /// Ends a connection now. Ids of connections that ended in the meantime are ignored.
    package func close(id: UInt64) {
        self.withConnection(id) { $0.end(.closed, nil) }
    }

    /// On the connection's loop. One that was taken a moment ago is known once its loop has come to it.
    private func withConnection(_ id: UInt64, _ body: @escaping @Sendable (RelayedConnection) -> Void) {
        let bound = self.connections.withLock { $0[id] }
        if let bound { return bound.eventLoop.execute { body(bound.value) } }
        for loop in self.group.makeIterator() {
            loop.execute {
                let bound = self.connections.withLock { $0[id] }
                if let bound, bound.eventLoop === loop { body(bound.value) }
            }
        }
    }

    /// Ends a terminated connection whose caller these rules do not permit. One that has not shown its certificate yet is
    /// measured by them when it does.
    package func recheck(id: UInt64, callers: CallerRules) {
        self.withConnection(id) { $0.recheck(callers) }
    }

    /// Makes ready what the clusters need; returns those that cannot be connected to.
    package func apply(_ config: ProxyConfig) -> [ItemError] {
        self.balancers.keep(only: Set(config.clusters.map(\.name)))
        return self.credentials.setTrust(config.trust) + self.credentials.prepare(config.clusters)
    }

    package var activeConnections: Int { self.connections.withLock { $0.count } }

    /// Closes what is open and ends the threads.
    package func shutdown() async {
        for id in self.connections.withLock({ Array($0.keys) }) { self.close(id: id) }
        try? await self.group.shutdownGracefully()
    }

    func register(_ connection: RelayedConnection) {
        let bound = NIOLoopBound(connection, eventLoop: connection.loop)
        self.connections.withLock { $0[connection.request.id] = bound }
    }

    func unregister(_ id: UInt64) { self.connections.withLock { _ = $0.removeValue(forKey: id) } }
}
