import FoundationEssentials
import Identity
import JSONModel
package import Logging
import MeshModel
import Planning
package import ServiceLifecycle
import Store
package import Telemetry
import Tokens
import ZoneSync

/// The global control plane: what all zones share is written here, and what zones tell is shown here. It serves no proxies.
///
/// The operator of the zones' control planes runs here, too, over meshes and secrets alone: it makes the authorities that all
/// zones sign with.
package struct GlobalControlPlane: Sendable {
    package let services: [any Service]

    /// The servers, for whoever asks where they listen.
    package enum Server: String, Sendable { case zones, proxies, api, apiTLS = "api-tls", diagnostics }

    /// Opens the store and makes what a first start needs.
    /// - Throws: what keeps it from starting, in a sentence.
    package init(
        options: GlobalOptions, version: String, registry: MetricsRegistry, logger: Logger,
        onListening: @escaping @Sendable (Server, Int) -> Void = { _, _ in }
    ) async throws {
        let store = try ResourceStore(file: options.storeFile)
        let tokenSettings = try options.configFile.map(TokenSettings.read(file:)) ?? TokenSettings()
        let keys = TokenKeys(StoreTokenSecrets(store)) { tokenSettings }
        let now = Date()
        if tokenSettings.zone.isIssuer { _ = try await keys.signingKey(.zoneTokens, now: now) }
        if tokenSettings.user.isIssuer { try await AdminToken.ensure(store, keys, now: now) }
        let writer = StoreWriter(store)
        let certificates = ServingCertificateStore(
            writer: writer, namespace: StoredForm.systemNamespace, names: options.names + [ProcessInfo.processInfo.hostName])
        _ = try await certificates.ensure(now: now)

        let readiness = Readiness()
        readiness.set(.definitions, nil)
        let (presence, acknowledgements, writeFailures) = (Presence(), AcknowledgementBook(), WriteFailureBook())
        let configs = ConfigHub(presence: presence)
        let files = SourceFiles(store, serviceFolder: nil)
        var settings = EgretSettings(zone: "")
        settings.standing = .global
        let source = StoreWorld(
            store: store, settings: settings, acknowledgements: acknowledgements, writeFailures: writeFailures, presence: presence,
            files: files)
        let operatorMetrics = OperatorMetrics(registry)
        let operatorLoop = OperatorLoop(
            source: source, hub: configs, presence: presence, acknowledgements: acknowledgements, writeFailures: writeFailures,
            definitions: nil, leadership: .always, readiness: readiness, metrics: operatorMetrics, logger: logger
        ) {
            Executor(
                writer: writer, namespace: StoredForm.systemNamespace, events: nil, failures: writeFailures, metrics: operatorMetrics,
                home: .universal, logger: logger)
        }

        let book = ZoneBook()
        let hub = StreamHub<String>()
        let questions = Questions<String>()
        let metrics = GlobalMetrics(registry)
        let reports = ZoneReports(store: store, book: book, metrics: metrics, logger: logger)
        let handlers = ZoneHandlers(
            admission: ZoneAdmission(store: store, keys: keys), book: book, hub: hub, questions: questions, reports: reports,
            metrics: metrics, logger: logger)
        let resources = ResourceAPI(
            store: store, insights: ZoneInsights(book), rules: WriteRules(zone: "", standing: .global) { book.isConnected($0) })
        let index: JSON = [
            "hostname": .string(ProcessInfo.processInfo.hostName), "tagline": "Egret", "product": "Egret", "version": .string(version),
            "mode": "global", "environment": "universal",
        ]
        let proxyMetrics = ProxyMetrics(registry)
        let servers = ProxyFacing(
            source: source, store: certificates, leadership: .always, readiness: readiness, home: .universal, logger: logger
        ) { identity in
            let zones = ZoneServer(
                address: .init(host: options.bindAddress, port: options.zonePort), identity: identity, handlers: handlers, logger: logger
            ) { port in
                readiness.set(.proxyServer, nil)
                logger.info("Serving zones", metadata: ["address": "\(options.bindAddress)", "port": "\(port)"])
                onListening(.zones, port)
            }
            // Proxies that were pointed here by mistake are told.
            let proxies = ProxyServer(
                address: .init(host: options.bindAddress, port: options.proxyPort), identity: identity, authenticator: NoProxies(),
                registrar: NoProxies(), hub: configs, acknowledgements: acknowledgements, metrics: proxyMetrics, logger: logger
            ) { onListening(.proxies, $0) }
            let tokens = TokenAPI(keys: keys, zone: { nil }, isGlobal: true) {
                CertificateHash.of(pem: identity.certificate.authority.certificate.pem)
            }
            func api(_ server: Server, port: Int, flag: String, identity: ServingIdentity?) -> APIServer {
                APIServer(
                    address: .init(host: options.bindAddress, port: port), flag: flag, identity: identity, resources: resources,
                    inspect: InspectAPI(reader: store, pages: ZonePages(book: book, hub: hub, questions: questions)), tokens: tokens,
                    keys: keys, index: index, logger: logger
                ) { port in
                    logger.info(
                        "Serving the API",
                        metadata: ["address": "\(options.bindAddress)", "port": "\(port)", "tls": "\(identity != nil)"])
                    onListening(server, port)
                }
            }
            return [
                zones, proxies, api(.api, port: options.apiPort, flag: "--api-port", identity: nil),
                api(.apiTLS, port: options.apiTLSPort, flag: "--api-tls-port", identity: identity),
            ]
        }
        let diagnostics = DiagnosticsServer(
            address: .init(host: options.bindAddress, port: options.diagnosticsPort), readiness: readiness, registry: registry,
            logger: logger
        ) { port in onListening(.diagnostics, port) }
        self.services = [diagnostics, files, operatorLoop, GlobalPublisher(store: store, book: book, hub: hub, reports: reports), servers]
    }
}
