import JSONModel
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Relay
import Telemetry

/// Plain HTTP for probes, scrapes and people: `/ready`, `/live`, `/metrics`; on loopback also `/config`, `/connections` and
/// `/clusters`, which say more than everybody on the network needs to know.
///
/// On NIO alone, which the proxy has anyway: a web framework would bring Foundation and its tables into every proxy's memory.
struct AdminServer: Sendable {
    let host: String
    let port: Int
    let showsInside: Bool
    /// Whether the proxy may not start without it: probes and scrapes go there.
    let isNeeded: Bool
    let readiness: Readiness
    let registry: MetricsRegistry
    let applier: ConfigApplier
    let engine: RelayEngine
    let logger: Logger

    private typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    private struct Answer {
        var status = HTTPResponseStatus.ok
        var type = "text/plain; charset=utf-8"
        var text: String
    }

    /// Loopback shows everything. In a network of 127/8 addresses the own one is loopback already and serves alone.
    /// Beside an own address it is for people only: two proxies that share a host's loopback both serve.
    static func hosts(ownAddress: String?) -> [(host: String, showsInside: Bool, isNeeded: Bool)] {
        guard let own = ownAddress else { return [("127.0.0.1", true, true)] }
        if own == "::1" || own.hasPrefix("127.") { return [(own, true, true)] }
        // Every interface, loopback among them: there is no place beside it.
        if own == "0.0.0.0" || own == "::" { return [(own, false, true)] }
        return [("127.0.0.1", true, false), (own, false, true)]
    }

    /// Until cancelled, or until it turns out that a page nobody depends on has no place.
    func run() async throws {
        let listener: NIOAsyncChannel<Connection, Never>
        do {
            listener = try await self.bind()
        } catch  where !self.isNeeded {
            self.logger.warning(
                "The proxy serves without its inner admin pages (/config, /connections, /clusters)", metadata: ["reason": "\(error)"])
            return
        }
        let port = listener.channel.localAddress?.port ?? self.port
        self.logger.info("Admin server listening", metadata: ["admin.address": "\(self.host):\(port)"])
        try await withThrowingDiscardingTaskGroup { group in
            try await listener.executeThenClose { connections in
                for try await connection in connections {
                    group.addTask {
                        do {
                            try await self.serve(connection)
                        } catch {
                            // The client went away or sent no HTTP; it is told by the close.
                            self.logger.debug("An admin connection failed", metadata: ["cause": "\(error)"])
                        }
                    }
                }
            }
        }
    }

    private func bind() async throws -> NIOAsyncChannel<Connection, Never> {
        do {
            return try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: self.host, port: self.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw CannotListen(
                description: "the admin server cannot listen on \(self.host) port \(self.port) (\(error)); choose another --admin-port")
        }
    }

    private func serve(_ connection: Connection) async throws {
        try await connection.executeThenClose { inbound, outbound in
            var request: HTTPRequestHead?
            for try await part in inbound {
                switch part {
                case .head(let head): request = head
                case .body: break
                case .end:
                    guard let head = request else { continue }
                    let answer = await self.answer(head)
                    var response = HTTPResponseHead(version: head.version, status: answer.status)
                    response.headers.add(name: "content-type", value: answer.type)
                    response.headers.add(name: "content-length", value: "\(answer.text.utf8.count)")
                    if !head.isKeepAlive { response.headers.add(name: "connection", value: "close") }
                    try await outbound.write(.head(response))
                    if head.method != .HEAD { try await outbound.write(.body(.byteBuffer(ByteBuffer(string: answer.text)))) }
                    try await outbound.write(.end(nil))
                    if !head.isKeepAlive { return }
                }
            }
        }
    }

    private func answer(_ request: HTTPRequestHead) async -> Answer {
        guard request.method == .GET || request.method == .HEAD else {
            return Answer(status: .methodNotAllowed, text: "only GET is answered here\n")
        }
        switch request.uri.prefix(while: { $0 != "?" }) {
        case "/ready":
            let state = self.readiness.state
            return Answer(status: state == .ready ? .ok : .serviceUnavailable, text: "\(state.rawValue)\n")
        case "/live": return Answer(text: "LIVE\n")
        case "/metrics": return Answer(type: "text/plain; version=0.0.4; charset=utf-8", text: self.registry.render())
        case "/config" where self.showsInside:
            return self.json(AdminPages.config(self.applier.applied, errors: self.applier.errors, refused: self.applier.refusal))
        case "/connections" where self.showsInside: return self.json(AdminPages.connections(await self.engine.connections()))
        case "/clusters" where self.showsInside: return self.json(AdminPages.clusters(await self.engine.clusters()))
        default:
            let inside = self.showsInside ? ", /config, /connections, /clusters" : " (more on loopback)"
            return Answer(status: .notFound, text: "there are /ready, /live, /metrics\(inside)\n")
        }
    }

    private func json(_ json: JSON) -> Answer { Answer(type: "application/json", text: json.prettyText + "\n") }
}

package struct CannotListen: Error, CustomStringConvertible {
    package let description: String
}
