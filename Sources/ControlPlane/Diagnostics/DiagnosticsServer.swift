import HTTPTypes
import Hummingbird
package import Logging
import ServiceLifecycle
package import Telemetry

/// Plain HTTP for probes and scrapes: `/healthz`, `/readyz` (`?verbose`), `/metrics`, and Kuma's names `/healthy` and `/ready`.
package struct DiagnosticsServer: Service {
    private let address: ProxyServer.Address
    private let readiness: Readiness
    private let registry: MetricsRegistry
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    package init(
        address: ProxyServer.Address, readiness: Readiness, registry: MetricsRegistry, logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.address = address
        self.readiness = readiness
        self.registry = registry
        self.logger = logger
        self.onListening = onListening
    }

    package func run() async throws {
        let (readiness, registry) = (self.readiness, self.registry)
        let router = Router()
        for path in ["/healthz", "/healthy"] as [RouterPath] {
            router.get(path) { _, _ in Self.text("ok\n") }
        }
        for path in ["/readyz", "/ready"] as [RouterPath] {
            router.get(path) { request, _ in
                let isReady = readiness.isReady
                let isVerbose = !isReady || request.uri.queryParameters["verbose"] != nil
                return Self.text(isVerbose ? readiness.report : "ok\n", status: isReady ? .ok : .serviceUnavailable)
            }
        }
        router.get("/metrics") { _, _ in Self.text(registry.render(), type: "text/plain; version=0.0.4; charset=utf-8") }
        let application = Application(
            router: router, server: .http1(configuration: .init(idleTimeout: ProxyServer.idleTimeout)),
            configuration: .init(address: .hostname(self.address.host, port: self.address.port)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? self.address.port
                self.logger.info("Serving probes and metrics", metadata: ["address": "\(self.address.host)", "port": "\(port)"])
                self.onListening(port)
            }, logger: self.logger.ofServer)
        try await self.address.listening(flag: "--diagnostics-port") { try await application.run() }
    }

    private static func text(
        _ text: String, status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(status: status, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
