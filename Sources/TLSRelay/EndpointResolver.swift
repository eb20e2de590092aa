import NIOCore
import NIOPosix
import NameResolution
import Routing

extension ClientBootstrap {
    /// Connects to an address, or to a name's addresses: both families race (RFC 8305), and the first that connects wins.
    func connect(to endpoint: Endpoint, resolver: any NameResolver, on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        if let literal = try? SocketAddress(ipAddress: endpoint.address, port: Int(endpoint.port)) { return self.connect(to: literal) }
        return self.resolver(EndpointResolver(endpoint, resolver, on: loop))
            .connect(host: endpoint.address, port: Int(endpoint.port))
    }
}

/// Gives NIO's race what our resolver knows of one name. For one race.
private final class EndpointResolver: Resolver, Sendable {
    private let ipv4, ipv6: EventLoopFuture<[SocketAddress]>

    init(_ endpoint: Endpoint, _ resolver: any NameResolver, on loop: any EventLoop) {
        let answered = loop.makePromise(of: ResolvedName.self)
        if let known = resolver.resolve(endpoint.address, { answered.succeed($0) }) { answered.succeed(known) }
        let addresses = answered.futureResult.flatMapThrowing { resolved in
            if resolved.addresses.isEmpty { throw NameNotResolved(problem: resolved.problem ?? "no address") }
            return resolved.addresses
        }
        func family(isIPv6: Bool) -> EventLoopFuture<[SocketAddress]> {
            addresses.flatMapThrowing {
                try $0.filter { $0.isIPv6 == isIPv6 }.map { try SocketAddress(ipAddress: $0.address, port: Int(endpoint.port)) }
            }
        }
        self.ipv4 = family(isIPv6: false)
        self.ipv6 = family(isIPv6: true)
    }

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { self.ipv4 }
    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { self.ipv6 }
    func cancelQueries() {}
}

struct NameNotResolved: Error, CustomStringConvertible {
    let problem: String
    var description: String { self.problem }
}
