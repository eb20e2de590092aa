import FoundationEssentials
import Identity
import KubeAPI
package import KubeRuntime
package import Logging
import Planning
package import ServiceLifecycle
package import Telemetry

/// The whole control plane on Kubernetes, as services in the order of their dependencies. Stopped in reverse: the servers
/// first, then the operator with the item in its hands, then the lease, the caches last.
package struct ControlPlane: Sendable {
    package let services: [any Service]

    /// - Parameter onListening: told the ports of the servers as they come up; for tests, which bind port 0.
    package init(
        options: ControlPlaneOptions, version: String, client: KubeClient, registry: MetricsRegistry, logger: Logger,
        onListening: @escaping @Sendable (_ server: String, _ port: Int) -> Void = { _, _ in }
    ) {
        let readiness = Readiness()
        let acknowledgements = AcknowledgementBook()
        let presence = Presence()
        let hub = ConfigHub(presence: presence)
        let writeFailures = WriteFailureBook()
        let reader = WorldReader(
            client: client, namespace: options.namespace, identity: options.identity, acknowledgements: acknowledgements,
            writeFailures: writeFailures,
            presence: presence)
        let elector =
            options.electsLeader
            ? LeaderElector(
                client: client, lease: ObjectKey(namespace: options.namespace, name: "egret-control-plane"), identity: options.identity)
            : nil
        let leadership = elector.map(Leadership.elected) ?? .always
        let operatorMetrics = OperatorMetrics(registry)
        let proxyMetrics = ProxyMetrics(registry)

        let operatorLoop = OperatorLoop(
            source: reader, hub: hub, presence: presence, acknowledgements: acknowledgements, writeFailures: writeFailures,
            definitions: DefinitionsCheck(writer: client), leadership: leadership, readiness: readiness,
            metrics: operatorMetrics, logger: logger,
            onRead: { presence.remember(LastSeen.proxies(reader, home: .kubernetes), now: Date()) }
        ) {
            Executor(
                writer: client, namespace: options.namespace,
                events: EventWriter(writer: client, instance: options.identity, logger: logger), failures: writeFailures,
                metrics: operatorMetrics, logger: logger)
        }
        let settings = CurrentSettings(reader)
        let keys = TokenKeys(ClusterTokenSecrets(source: reader, writer: client)) { settings.value?.tokens ?? TokenSettings() }
        let pods = TokenAuthenticator(
            review: { (token, audiences) async throws(KubeError) in try await client.reviewToken(token, audiences: audiences) },
            evidence: { reader.evidence($0) })
        let authenticator = ClusterAuthenticator(pods: pods, keys: keys, zone: { settings.value?.zone }) {
            reader.object($0.type, $1)
        }
        let api = ClusterAPI(
            options: options, version: version, source: reader, hub: hub, acknowledgements: acknowledgements,
            settings: settings, keys: keys, logger: logger,
            onListening: onListening)
        let proxyFacing = ProxyFacing(
            source: reader, store: ServingCertificateStore(writer: client, namespace: options.namespace), leadership: leadership,
            readiness: readiness, logger: logger
        ) { identity in
            let proxies = ProxyServer(
                address: .init(host: options.bindAddress, port: options.proxyPort), identity: identity, authenticator: authenticator,
                hub: hub, acknowledgements: acknowledgements, metrics: proxyMetrics, logger: logger
            ) { port in
                readiness.set(.proxyServer, nil)
                logger.info("Serving proxies", metadata: ["address": "\(options.bindAddress)", "port": "\(port)"])
                onListening("proxies", port)
            }
            return [proxies] + api.servers(identity)
        }
        let link = ClusterLink(
            source: reader, writer: client, leadership: leadership, settings: settings, hub: hub,
            acknowledgements: acknowledgements, instance: options.identity, version: version, metrics: GlobalLinkMetrics(registry),
            logger: logger)
        let publisher = AcknowledgementPublisher(
            book: acknowledgements, writer: client, identity: options.identity, namespace: options.namespace,
            pod: { reader.object(.pods, ObjectKey(namespace: options.namespace, name: options.identity)) }, logger: logger)
        let diagnostics = DiagnosticsServer(
            address: .init(host: options.bindAddress, port: options.diagnosticsPort), readiness: readiness, registry: registry,
            logger: logger
        ) { port in onListening("diagnostics", port) }

        self.services = [diagnostics, reader.informers] + (elector.map { [$0] } ?? []) + [operatorLoop, publisher, link, proxyFacing]
    }
}
