import ConfigSync
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTLS
import Identity
package import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import Telemetry

/// The proxy-facing HTTPS server.
///
/// - `GET /v1/config`: the config stream (`StreamMessage` as NDJSON), open until one side leaves.
/// - `POST /v1/acknowledgements`: what became of a snapshot.
/// - `POST /v1/registrations`: a proxy outside of Kubernetes brings its resource.
/// - `POST /v1/withdrawals`: a proxy is about to stop.
/// - `POST /v1/answers`: what the control plane asked for over the stream.
/// - `POST /v1/certificates`: a signing request, answered with a chain.
///
/// - `GET /v1/ca`: the CA certificate of this server, for proxies that know its hash by their token. Needs no token.
///
/// Every other request carries the proxy's token and is refused in words (`AccessRefusal`) otherwise.
package struct ProxyServer: Service {
    package struct Address: Sendable {
        package var host: String
        /// 0 takes any free port.
        package var port: Int
        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    private let address: Address
    private let identity: ServingIdentity
    private let handlers: ProxyHandlers
    private let logger: Logger
    private let onListening: @Sendable (_ port: Int) -> Void

    package init(
        address: Address, identity: ServingIdentity, authenticator: any ProxyAuthenticator,
        registrar: (any ProxyRegistrar)? = nil, hub: ConfigHub, acknowledgements: AcknowledgementBook, metrics: ProxyMetrics,
        logger: Logger, onListening: @escaping @Sendable (Int) -> Void
    ) {
        self.address = address
        self.identity = identity
        self.handlers = ProxyHandlers(
            authenticator: authenticator, registrar: registrar, hub: hub, acknowledgements: acknowledgements, metrics: metrics,
            logger: logger)
        self.logger = logger
        self.onListening = onListening
    }

    /// For a handshake, a request and the pause between two; an open config stream is never idle in this sense.
    static let idleTimeout = TimeAmount.seconds(60)

    package func run() async throws {
        let handlers = self.handlers
        let router = Router(context: StreamRequestContext.self)
        let identity = self.identity
        router.get("/v1/ca") { _, _ in identity.authorityResponse }
        router.get("/v1/config") { request, context in await handlers.stream(request, on: context.channel) }
        router.post("/v1/acknowledgements") { request, _ in await handlers.acknowledge(request) }
        router.post("/v1/registrations") { request, _ in await handlers.register(request) }
        router.post("/v1/withdrawals") { request, _ in await handlers.withdraw(request) }
        router.post("/v1/answers") { request, _ in await handlers.answer(request) }
        router.post("/v1/certificates") { request, _ in await handlers.certificate(request) }
        let application = Application(
            router: router,
            server: try .tls(.http1(configuration: .init(idleTimeout: Self.idleTimeout)), tlsConfiguration: self.identity.tlsConfiguration),
            configuration: .init(address: .hostname(self.address.host, port: self.address.port)),
            onServerRunning: { channel in self.onListening(channel.localAddress?.port ?? self.address.port) }, logger: self.logger.ofServer)
        try await self.address.listening(flag: "--proxy-port") { try await application.run() }
    }
}
