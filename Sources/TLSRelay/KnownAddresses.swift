import NIOCore
import NIOPosix
import Routing
import Synchronization

/// Connects to endpoints by address or name. A name is resolved each time, its addresses of both families race; when it
/// cannot be resolved, the address that worked last is used.
final class KnownAddresses: Sendable {
    private let last = Mutex<[String: SocketAddress]>([:])

    func connect(_ bootstrap: ClientBootstrap, to endpoint: Endpoint, on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        if let literal = try? SocketAddress(ipAddress: endpoint.address, port: Int(endpoint.port)) {
            return bootstrap.connect(to: literal)
        }
        let label = endpoint.label
        return bootstrap.connect(host: endpoint.address, port: Int(endpoint.port))
            .assumeIsolated()
            .map { channel in
                self.last.withLock { $0[label] = channel.remoteAddress }
                return channel
            }
            .flatMapError { error in
                let known = self.last.withLock { $0[label] }
                guard let known, TLSFailure.connect(error).reason == .nameNotResolved else { return loop.makeFailedFuture(error) }
                return bootstrap.connect(to: known)
            }
            .nonisolated()
    }

    func keep(only endpoints: [Endpoint]) {
        let labels = Set(endpoints.map(\.label))
        self.last.withLock { $0 = $0.filter { labels.contains($0.key) } }
    }
}
