import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTLS
import Logging
import NIOCore
import ServiceLifecycle
import Telemetry
import ZoneSync

/// The global control plane's HTTPS server for control planes of zones.
///
/// - `GET /v1/zone`: what all zones share, as a stream (`StreamMessage`), open until one side leaves.
/// - `POST /v1/zone/reports`: what a zone tells about itself.
/// - `POST /v1/zone/answers`: what it was asked for over the stream.
/// - `GET /v1/ca`: the CA certificate of this server, for zones that know its hash by their token. Needs no token.
struct ZoneServer: Service {
    let address: ProxyServer.Address
    let identity: ServingIdentity
    let handlers: ZoneHandlers
    let logger: Logger
    let onListening: @Sendable (_ port: Int) -> Void

    func run() async throws {
        let handlers = self.handlers
        let identity = self.identity
        let router = Router(context: StreamRequestContext.self)
        router.get("/v1/ca") { _, _ in identity.authorityResponse }
        router.get("\(ZoneExchange.streamPath)") { request, context in await handlers.stream(request, on: context.channel) }
        router.post("\(ZoneExchange.reportPath)") { request, _ in await handlers.report(request) }
        router.post("\(ZoneAnswer.path)") { request, _ in await handlers.answer(request) }
        for path in ["/v1/config", "/v1/registrations"] {
            for method in [HTTPRequest.Method.get, .post] {
                router.on("\(path)", method: method) { request, _ in handlers.proxy(request) }
            }
        }
        let application = Application(
            router: router,
            server: try .tls(
                .http1(configuration: .init(idleTimeout: ProxyServer.idleTimeout)), tlsConfiguration: self.identity.tlsConfiguration),
            configuration: .init(address: .hostname(self.address.host, port: self.address.port)),
            onServerRunning: { channel in self.onListening(channel.localAddress?.port ?? self.address.port) }, logger: self.logger.ofServer)
        try await self.address.listening(flag: "--zone-port") { try await application.run() }
    }
}
