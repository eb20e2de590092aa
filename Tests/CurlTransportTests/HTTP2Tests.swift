import CurlTransport
import Hummingbird
import HummingbirdHTTP2
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization
import TestServer
import Testing

/// Knows which connection a request came on.
private struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let peer: String

    init(source: ApplicationRequestContextSource) {
        self.coreContext = .init(source: source)
        self.peer = "\(source.channel.remoteAddress.flatMap(\.port) ?? 0)"
    }
}

extension TransportTests {
    @Suite("HTTP/2", .timeLimit(.minutes(1)))
    struct HTTP2Tests {
        private func withServer(_ body: @Sendable @escaping (_ url: String) async throws -> Void) async throws {
            let router = Router(context: ConnectionContext.self)
            router.get("/peer") { _, context in context.peer }
            router.post("/echo") { request, _ in
                let body = try await request.body.collect(upTo: 1 << 20)
                return String(buffer: body)
            }
            router.get("/flood") { _, _ in
                Response(
                    status: .ok,
                    body: ResponseBody { writer in
                        let piece = ByteBuffer(repeating: 7, count: 64 << 10)
                        for _ in 0..<64 { try await writer.write(piece) }
                        try await writer.finish(nil)
                    })
            }
            router.get("/watch") { _, context in
                let peer = context.peer
                return Response(
                    status: .ok,
                    body: ResponseBody { writer in
                        try await writer.write(ByteBuffer(string: peer))
                        // Open until the test ends.
                        try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(600)) }
                        try await writer.finish(nil)
                    })
            }
            let tls = TLSConfiguration.makeServerConfiguration(
                certificateChain: [.certificate(try NIOSSLCertificate(bytes: Array(TestPKI.serverCertificate.utf8), format: .pem))],
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(TestPKI.serverKey.utf8), format: .pem)))
            let (ports, found) = AsyncStream.makeStream(of: Int.self)
            var logger = Logger(label: "test")
            logger.logLevel = .error
            let application = Application(
                router: router, server: try .http2Upgrade(tlsConfiguration: tls),
                configuration: .init(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: { found.yield($0.localAddress?.port ?? 0) }, logger: logger)
            let services = ServiceGroup(configuration: .init(services: [.init(service: application)], logger: logger))
            try await withThrowingTaskGroup { group in
                group.addTask { try await services.run() }
                var iterator = ports.makeAsyncIterator()
                let port = try #require(await iterator.next())
                // Hummingbird does not survive being cancelled in mid-air, so that a failure has to wait for the server's end.
                let result: Result<Void, any Error>
                do {
                    result = .success(try await body("https://127.0.0.1:\(port)"))
                } catch {
                    result = .failure(error)
                }
                await services.triggerGracefulShutdown()
                try await group.waitForAll()
                try result.get()
            }
        }

        @Test("A body that must not be sent twice arrives whole")
        func upload() async throws {
            try await self.withServer { url in
                let body = [UInt8](repeating: UInt8(ascii: "x"), count: 300_000)
                let response = try await CurlTransport().send(
                    CurlRequest("POST", url + "/echo", body: body, tls: TLSSettings(ca: TestPKI.ca)))
                #expect(response.status == 200 && response.body == body)
            }
        }

        @Test("A stream that nobody reads does not hold up its neighbours on the connection")
        func neighbours() async throws {
            try await self.withServer { url in
                let transport = CurlTransport()
                let tls = TLSSettings(ca: TestPKI.ca)
                let unread = try await transport.stream(CurlRequest("GET", url + "/flood", tls: tls))
                for _ in 0..<20 {
                    let stream = try await transport.stream(CurlRequest("GET", url + "/watch", timeout: .seconds(10), tls: tls))
                    var iterator = stream.body.makeAsyncIterator()
                    _ = try await iterator.next()
                }
                withExtendedLifetime(unread) {}
            }
        }

        @Test("Many requests at once share one connection, and streams share another")
        func multiplexing() async throws {
            try await self.withServer { url in
                let transport = CurlTransport()
                let tls = TLSSettings(ca: TestPKI.ca)
                let peers = try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<50 { group.addTask { try await transport.send(CurlRequest("GET", url + "/peer", tls: tls)).text } }
                    return try await group.reduce(into: Set<String>()) { $0.insert($1) }
                }
                #expect(peers.count == 1)

                var streams: [HTTPStream] = []
                var streamPeers: Set<String> = []
                for _ in 0..<10 {
                    let stream = try await transport.stream(CurlRequest("GET", url + "/watch", tls: tls))
                    var iterator = stream.body.makeAsyncIterator()
                    streamPeers.insert(String(decoding: try #require(try await iterator.next()), as: UTF8.self))
                    streams.append(stream)
                }
                #expect(streamPeers.count == 1)
                #expect(streamPeers.isDisjoint(with: peers))
                // Ten open streams do not stand in the way of a request.
                #expect(try await transport.send(CurlRequest("GET", url + "/peer", tls: tls)).text == peers.first)
                withExtendedLifetime(streams) {}
            }
        }
    }
}
