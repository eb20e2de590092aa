private import NIOCore
private import NIOHTTP1
private import NIOPosix
private import NIOSSL
private import Synchronization

/// An HTTP/1.1 server whose answers a test writes byte by byte: pages, half events, garbage, silence, cuts.
///
/// The script runs once for each request, in the order they come on a connection.
package final class ScriptedServer: Sendable {
    package struct Request: Sendable {
        /// `GET /path?query`
        package var line: String
        package var headers: [String: String]
        package var body: String
        /// Which connection it came on, from 0.
        package var connection: Int
    }

    package typealias Script = @Sendable (Request, Reply) async throws -> Void

    package let port: Int
    private let seen: Mutex<[Request]>
    private let isTLS: Bool

    /// Every request so far.
    package var requests: [Request] { self.seen.withLock { $0 } }
    package var lines: [String] { self.requests.map(\.line) }
    package var url: String { "\(self.isTLS ? "https" : "http")://127.0.0.1:\(self.port)" }

    private init(port: Int, isTLS: Bool) {
        self.port = port
        self.isTLS = isTLS
        self.seen = Mutex([])
    }

    /// Serves while `body` runs. `tls` makes it HTTPS with the test's certificate; a client certificate is then asked for
    /// when `clientCA` is given.
    package static func with<Value: Sendable>(
        tls: Bool = false, clientCA: String? = nil, script: @escaping Script, _ body: (ScriptedServer) async throws -> Value
    ) async throws -> Value {
        let context = tls ? try Self.tlsContext(clientCA: clientCA) : nil
        let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // Nothing is read before somebody serves the connection.
            .childChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0) { channel in channel.eventLoop.makeSucceededFuture(channel) }
        let server = ScriptedServer(port: listener.channel.localAddress?.port ?? 0, isTLS: tls)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await server.accept(listener, context, script) }
            defer { group.cancelAll() }
            return try await body(server)
        }
    }

    private typealias HTTPChannel = NIOAsyncChannel<HTTPServerRequestPart, HTTPPart<HTTPResponseHead, ByteBuffer>>

    private static func tlsContext(clientCA: String?) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try NIOSSLCertificate(bytes: Array(TestPKI.serverCertificate.utf8), format: .pem))],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(TestPKI.serverKey.utf8), format: .pem)))
        // curl does not read its idle connections, so that it never answers the server's goodbye.
        configuration.shutdownTimeout = .milliseconds(50)
        if let clientCA {
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates([try NIOSSLCertificate(bytes: Array(clientCA.utf8), format: .pem)])
        }
        return try NIOSSLContext(configuration: configuration)
    }

    private func accept(
        _ listener: NIOAsyncChannel<any Channel, Never>, _ tls: NIOSSLContext?, _ script: @escaping Script
    ) async throws {
        try await listener.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                var number = 0
                for try await connection in connections {
                    let index = number
                    number += 1
                    group.addTask { try? await self.serve(connection, tls, index, script) }
                }
            }
        }
    }

    private static func http(_ channel: any Channel, _ tls: NIOSSLContext?) async throws -> HTTPChannel {
        try await channel.eventLoop.submit {
            if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
            try channel.pipeline.syncOperations.configureHTTPServerPipeline()
            try channel.pipeline.syncOperations.addHandler(BufferResponses())
            return try HTTPChannel(wrappingChannelSynchronously: channel)
        }.get()
    }

    private func serve(_ channel: any Channel, _ tls: NIOSSLContext?, _ number: Int, _ script: Script) async throws {
        let connection = try await Self.http(channel, tls)
        try await connection.executeThenClose { inbound, outbound in
            try await channel.setOption(.autoRead, value: true).get()
            var head: HTTPRequestHead?
            var body = ByteBuffer()
            for try await part in inbound {
                switch part {
                case .head(let next):
                    head = next
                    body.clear()
                case .body(var bytes): body.writeBuffer(&bytes)
                case .end:
                    guard let head else { return }
                    let request = Request(
                        line: "\(head.method.rawValue) \(head.uri)",
                        headers: Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { "\($0), \($1)" }),
                        body: String(buffer: body), connection: number)
                    self.seen.withLock { $0.append(request) }
                    try await script(request, Reply(channel: connection.channel, outbound: outbound))
                }
            }
        }
    }

    /// What a script says to one request.
    package struct Reply: Sendable {
        fileprivate let channel: any Channel
        fileprivate let outbound: NIOAsyncChannelOutboundWriter<HTTPPart<HTTPResponseHead, ByteBuffer>>

        /// A complete answer.
        package func answer(_ status: Int = 200, _ body: String = "", headers: [(String, String)] = []) async throws {
            try await self.start(status, headers: headers + [("content-length", "\(body.utf8.count)")])
            try await self.send(body)
            try await self.end()
        }

        package func answer(json: String, status: Int = 200) async throws {
            try await self.answer(status, json, headers: [("content-type", "application/json")])
        }

        /// The head of an answer whose body comes in chunks.
        package func start(_ status: Int = 200, headers: [(String, String)] = []) async throws {
            let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: HTTPHeaders(headers))
            try await self.outbound.write(.head(head))
        }

        package func send(_ text: String) async throws { try await self.outbound.write(.body(ByteBuffer(string: text))) }

        package func send(_ bytes: [UInt8]) async throws { try await self.outbound.write(.body(ByteBuffer(bytes: bytes))) }

        package func end() async throws { try await self.outbound.write(.end(nil)) }

        /// Drops the connection without an end.
        package func cut() async throws { try await self.channel.close() }

        /// Says nothing until the client hangs up.
        package func silence() async throws { try await self.channel.closeFuture.get() }
    }
}

/// The HTTP pipeline writes `IOData`, which no task may send; tasks here send buffers.
private final class BufferResponses: ChannelOutboundHandler {
    typealias OutboundIn = HTTPPart<HTTPResponseHead, ByteBuffer>
    typealias OutboundOut = HTTPServerResponsePart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch self.unwrapOutboundIn(data) {
        case .head(let head): context.write(self.wrapOutboundOut(.head(head)), promise: promise)
        case .body(let bytes): context.write(self.wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
        case .end(let trailers): context.write(self.wrapOutboundOut(.end(trailers)), promise: promise)
        }
    }
}
