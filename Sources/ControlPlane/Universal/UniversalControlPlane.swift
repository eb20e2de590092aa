import ControlPlaneAccess
import CurlTransport
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

/// The whole control plane without Kubernetes: the operator over a store of its own, a REST API in the place of kubectl, and
/// tokens in the place of service accounts.
package struct UniversalControlPlane: Sendable {
    package let services: [any Service]

    /// The servers, for whoever asks where they listen.
    package enum Server: String, Sendable { case proxies, api, apiTLS = "api-tls", diagnostics }

    /// Opens the store and makes what a first start needs: the serving certificate, signing keys, the administrator's token.
    /// - Throws: what keeps it from starting, in a sentence.
    package init(
        options: UniversalOptions, version: String, registry: MetricsRegistry, logger: Logger,
        onListening: @escaping @Sendable (Server, Int) -> Void = { _, _ in }
    ) async throws {
        let store = try ResourceStore(file: options.storeFile)
        let writer = StoreWriter(store)
        let tokenSettings = try options.configFile.map(TokenSettings.read(file:)) ?? TokenSettings()
        let keys = TokenKeys(StoreTokenSecrets(store)) { tokenSettings }
        let now = Date()
        if tokenSettings.zone.isIssuer { _ = try await keys.signingKey(.zoneTokens, now: now) }
        if tokenSettings.user.isIssuer { try await AdminToken.ensure(store, keys, now: now) }
        let certificates = ServingCertificateStore(
            writer: writer, namespace: StoredForm.systemNamespace, names: options.names + [ProcessInfo.processInfo.hostName])
        let serving = try await certificates.ensure(now: now)

        let presence = Presence()
        let readiness = Readiness()
        readiness.set(.definitions, nil)
        let acknowledgements = AcknowledgementBook()
        let writeFailures = WriteFailureBook()
        let hub = ConfigHub(presence: presence)
        let files = SourceFiles(store, serviceFolder: options.filesFolder)
        var settings = EgretSettings(zone: options.zone)
        if let global = options.global { settings.standing = .zone(of: global) }
        let source = StoreWorld(
            store: store, settings: settings, acknowledgements: acknowledgements, writeFailures: writeFailures,
            presence: presence, files: files)
        // Before anybody looks for resources that their proxies have left behind.
        presence.remember(LastSeen.proxies(source, home: .universal), now: now)
        let metrics = OperatorMetrics(registry)
        let operatorLoop = OperatorLoop(
            source: source, hub: hub, presence: presence, acknowledgements: acknowledgements, writeFailures: writeFailures,
            definitions: nil, leadership: .always, readiness: readiness, metrics: metrics, logger: logger
        ) {
            Executor(
                writer: writer, namespace: StoredForm.systemNamespace, events: nil, failures: writeFailures, metrics: metrics,
                home: .universal, logger: logger)
        }
        let admission = TokenAdmission(store: store, keys: keys, zone: options.zone)
        let registration = SelfRegistration(store: store, admission: admission, presence: presence, logger: logger)
        let proxyMetrics = ProxyMetrics(registry)
        let insights = ProxyInsights(reader: store, hub: hub, acknowledgements: acknowledgements)
        let resources = ResourceAPI(store: store, insights: insights, rules: WriteRules(zone: options.zone, standing: settings.standing))
        let index: JSON = [
            "hostname": .string(ProcessInfo.processInfo.hostName), "tagline": "Egret", "product": "Egret", "version": .string(version),
            "mode": "zone", "zone": .string(options.zone), "environment": "universal",
        ]
        let proxyFacing = ProxyFacing(
            source: source, store: certificates, leadership: .always, readiness: readiness, home: .universal, logger: logger
        ) { identity in
            let proxies = ProxyServer(
                address: .init(host: options.bindAddress, port: options.proxyPort), identity: identity, authenticator: admission,
                registrar: registration, hub: hub, acknowledgements: acknowledgements, metrics: proxyMetrics, logger: logger
            ) { port in
                readiness.set(.proxyServer, nil)
                logger.info("Serving proxies", metadata: ["address": "\(options.bindAddress)", "port": "\(port)"])
                onListening(.proxies, port)
            }
            let tokens = TokenAPI(keys: keys, zone: { options.zone }) {
                CertificateHash.of(pem: identity.certificate.authority.certificate.pem)
            }
            func api(_ server: Server, port: Int, flag: String, identity: ServingIdentity?) -> APIServer {
                APIServer(
                    address: .init(host: options.bindAddress, port: port), flag: flag, identity: identity, resources: resources,
                    inspect: InspectAPI(reader: store, hub: hub), tokens: tokens, keys: keys, index: index, logger: logger
                ) { port in
                    logger.info(
                        "Serving the API",
                        metadata: ["address": "\(options.bindAddress)", "port": "\(port)", "tls": "\(identity != nil)"])
                    onListening(server, port)
                }
            }
            return [
                proxies, api(.api, port: options.apiPort, flag: "--api-port", identity: nil),
                api(.apiTLS, port: options.apiTLSPort, flag: "--api-tls-port", identity: identity),
            ]
        }
        let diagnostics = DiagnosticsServer(
            address: .init(host: options.bindAddress, port: options.diagnosticsPort), readiness: readiness, registry: registry,
            logger: logger
        ) { port in onListening(.diagnostics, port) }
        var services: [any Service] = [diagnostics, files, operatorLoop]
        if let global = options.global {
            let linkMetrics = GlobalLinkMetrics(registry)
            let link = GlobalLink(
                who: ZoneExchange(
                    zone: options.zone, identity: CertificateHash.of(pem: serving.authority.certificate.pem) ?? "",
                    instance: ProcessInfo.processInfo.hostName),
                global: global, authority: options.globalAuthority, token: options.globalToken, transport: CurlTransport(),
                version: version,
                replicator: Replicator(keeper: StoreReplica(store), metrics: linkMetrics, logger: logger),
                reports: ReportSource(zone: options.zone, reader: store, insights: insights) { [store.changes(), presence.changes()] },
                pages: ProxyPages(reader: store, hub: hub), metrics: linkMetrics, logger: logger)
            services.append(UntilStopped { await link.run() })
        }
        self.services = services + [proxyFacing, registration]
    }
}
