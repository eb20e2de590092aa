import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Plain HTTP for probes, scrapes and people. What it answers is `AdminRouter`'s to decide; this is sockets and HTTP.
///
/// On NIO alone: a web framework would bring Foundation and its tables into every proxy's memory.
struct AdminServer: Sendable {
    let host: String
    let port: Int
    /// Whether the proxy may not start without it: probes and scrapes go there.
    let isNeeded: Bool
    let router: AdminRouter
    let logger: Logger
    /// From one answer to the end of the next.
    var patience = Duration.seconds(60)
    /// More connections than anybody needs at once are closed at once.
    var maxConnections = 256

    /// Nobody needs to send one.
    static let maxBodyBytes = 64 * 1024

    /// One thread serves every admin server of the process. Kept until the process ends.
    private static let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>

    /// Loopback shows everything. In a network of 127/8 addresses the own one is loopback already and serves alone.
    /// Beside an own address it is for people only: two proxies that share a host's loopback both serve.
    static func hosts(ownAddress: String?) -> [(host: String, isNeeded: Bool)] {
        guard let own = ownAddress else { return [("127.0.0.1", true)] }
        // Every interface has loopback among them: there is no place beside it.
        if own == "::1" || own.hasPrefix("127.") || own == "0.0.0.0" || own == "::" { return [(own, true)] }
        return [("127.0.0.1", false), (own, true)]
    }

    /// Until cancelled, or until it turns out that a page nobody depends on has no place.
    func run() async throws {
        let listener: NIOAsyncChannel<Connection, Never>
        do {
            listener = try await self.bind()
        } catch  where !self.isNeeded {
            self.logger.warning(
                "The proxy serves without its inner admin pages (/config, /connections and more)", metadata: ["reason": "\(error)"])
            return
        }
        let port = listener.channel.localAddress?.port ?? self.port
        self.logger.info("Admin server listening", metadata: ["admin.address": "\(self.host):\(port)"])
        let open = Open()
        try await withThrowingDiscardingTaskGroup { group in
            try await listener.executeThenClose { connections in
                for try await connection in connections {
                    let isWelcome = open.count.add(1, ordering: .relaxed).newValue <= self.maxConnections
                    group.addTask {
                        defer { open.count.subtract(1, ordering: .relaxed) }
                        do {
                            try await self.serve(connection, isWelcome: isWelcome)
                        } catch {
                            // The client went away or sent no HTTP; it is told by the close.
                            self.logger.debug("An admin connection failed", metadata: ["cause": "\(error)"])
                        }
                    }
                }
            }
        }
    }

    private final class Open: Sendable { let count = Atomic<Int>(0) }

    private func bind() async throws -> NIOAsyncChannel<Connection, Never> {
        let patience = TimeAmount.seconds(max(1, self.patience.components.seconds))
        do {
            return try await ServerBootstrap(group: Self.loops)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: self.host, port: self.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                        try channel.pipeline.syncOperations.addHandler(AdminDeadline(patience))
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw CannotListen(
                description: "the admin server cannot listen on \(self.host) port \(self.port) (\(error)); choose another --admin-port")
        }
    }

    private func serve(_ connection: Connection, isWelcome: Bool) async throws {
        let isLocal = Self.isLoopback(connection.channel.localAddress) && Self.isLoopback(connection.channel.remoteAddress)
        try await connection.executeThenClose { inbound, outbound in
            guard isWelcome else { return }
            var request: HTTPRequestHead?
            var bodyBytes = 0
            for try await part in inbound {
                switch part {
                case .head(let head):
                    request = head
                    bodyBytes = 0
                case .body(let bytes):
                    // Read to its end, so that the client reads the answer; but not for ever.
                    bodyBytes += bytes.readableBytes
                    if bodyBytes > 16 * Self.maxBodyBytes { return }
                case .end:
                    guard let head = request else { continue }
                    let answer =
                        bodyBytes > Self.maxBodyBytes
                        ? AdminAnswer.refused(413, "no page takes a body this long")
                        : await self.router.answer(AdminRequest(head, isLocal: isLocal))
                    try await self.write(answer, to: head, closes: !head.isKeepAlive, outbound)
                    if !head.isKeepAlive { return }
                }
            }
        }
    }

    private func write(
        _ answer: AdminAnswer, to request: HTTPRequestHead, closes: Bool, _ outbound: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    ) async throws {
        var response = HTTPResponseHead(version: request.version, status: HTTPResponseStatus(statusCode: answer.status))
        response.headers.add(name: "content-type", value: answer.type)
        response.headers.add(name: "content-length", value: "\(answer.text.utf8.count)")
        response.headers.add(name: "cache-control", value: "no-store")
        response.headers.add(name: "x-content-type-options", value: "nosniff")
        if answer.type.hasPrefix("text/html") {
            response.headers.add(
                name: "content-security-policy",
                value: "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
        }
        if let allow = answer.allow { response.headers.add(name: "allow", value: allow) }
        if closes { response.headers.add(name: "connection", value: "close") }
        try await outbound.write(.head(response))
        if request.method != .HEAD { try await outbound.write(.body(.byteBuffer(ByteBuffer(string: answer.text)))) }
        try await outbound.write(.end(nil))
    }

    /// `127.0.0.0/8` and `::1`, also as IPv6 writes the former (`::ffff:127.0.0.1`).
    static func isLoopback(_ address: SocketAddress?) -> Bool {
        guard let text = address?.ipAddress else { return false }
        return text == "::1" || text.hasPrefix("127.") || text.hasPrefix("::ffff:127.")
    }
}

package struct CannotListen: Error, CustomStringConvertible {
    package let description: String
}
