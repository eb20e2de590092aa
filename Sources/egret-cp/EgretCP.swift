import ArgumentParser
import ControlPlane
import FoundationEssentials
import Glibc
import JSONModel
import KubeRuntime
import Logging
import ProgramOptions
import ServiceLifecycle
import Telemetry
import UnixSignals

@main
struct EgretCP: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "egret-cp", abstract: "The Egret control plane.", subcommands: [Run.self, PrintVersion.self])
}

struct PrintVersion: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() { print("egret-cp \(EgretVersion.current)") }
}

enum Mode: String, CaseIterable, ExpressibleByArgument {
    case kubernetes, universal
}

enum Role: String, CaseIterable, ExpressibleByArgument {
    case zone, global
}

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the control plane.",
        discussion: """
            --mode kubernetes: resources are objects of a cluster. Inside a pod the pod's service account is used; outside \
            --kubeconfig, $KUBECONFIG or ~/.kube/config, as kubectl does. Settings that may change while it runs are in the \
            ConfigMap egret-config of the system namespace.

            --mode universal: resources are in one file on this machine, and egretctl and the REST API change them. Callers from \
            this machine are administrators; others show the token in the secret admin-user-token.

            --role global: the control plane of several zones. It serves no proxies; zones come to it with --global-address and get \
            what they share: meshes, services, routes, permissions and each other's ingresses.
            """)

    @Option(help: "Where resources are kept. (default: $EGRET_MODE, else kubernetes)")
    var mode: Mode?
    @Option(help: "universal: zone, or global for the control plane that zones share. (default: $EGRET_ROLE, else zone)")
    var role: Role?
    @Option(help: "universal: the zone of this control plane. (default: $KUMA_MULTIZONE_ZONE_NAME, else default)")
    var zone: String?
    @Option(help: "universal: the file that keeps the resources. (default: $EGRET_STORE_FILE, else egret.db in this folder)")
    var storeFile: String?
    @Option(
        help: """
            universal: file with Kuma's dpServer.authn and apiServer.authn: who issues tokens, and public keys that prove them. \
            (default: $EGRET_CONFIG_FILE, else none)
            """)
    var configFile: String?
    @Option(
        help: """
            universal: folder of certificates and keys that external services may name as file; others are not read for them. \
            (default: $EGRET_FILES_DIR, else none)
            """)
    var filesDir: String?
    @Option(help: "Port of the HTTP API; with --mode kubernetes for this pod alone. (default: $KUMA_API_SERVER_HTTP_PORT, else 5681)")
    var apiPort: Int?
    @Option(help: "Port of the HTTPS API. (default: $KUMA_API_SERVER_HTTPS_PORT, else 5682)")
    var apiTlsPort: Int?
    @Option(
        help: "universal: a name or address, beside the machine's own, under which proxies reach this control plane; repeatable.")
    var name: [String] = []
    @Option(
        help: """
            universal: the zone's global control plane, https://HOST:5685. (default: $KUMA_MULTIZONE_ZONE_GLOBAL_ADDRESS, else none)
            """)
    var globalAddress: String?
    @Option(
        help: """
            universal: file with the zone's token for the global control plane, scope cp; read again when it changes. (default: \
            $KMESH_MULTIZONE_ZONE_KDS_AUTH_CP_TOKEN_PATH)
            """)
    var globalTokenFile: String?
    @Option(
        help: """
            universal: file with the CA of the global control plane, where the token does not name it. (default: \
            $KUMA_MULTIZONE_ZONE_KDS_ROOT_CA_FILE)
            """)
    var globalCaCertFile: String?
    @Option(help: "--role global: port for zones. (default: $KUMA_MULTIZONE_GLOBAL_KDS_GRPC_PORT, else 5685)")
    var zonePort: Int?
    @Option(help: "Path of a kubeconfig file.")
    var kubeconfig: String?
    @Option(help: "Context of the kubeconfig to use instead of the current one.")
    var context: String?
    @Option(help: "The system namespace. (default: $POD_NAMESPACE, else kuma-system)")
    var namespace: String?
    @Option(help: "The address all servers listen on. (default: $POD_IP, else 0.0.0.0)")
    var bindAddress: String?
    @Option(help: "Port of the HTTPS server for proxies. (default: $EGRET_PROXY_PORT, else 5678)")
    var proxyPort: Int?
    @Option(help: "Port of the HTTP server for probes and metrics. (default: $KUMA_DIAGNOSTICS_SERVER_PORT, else 5680)")
    var diagnosticsPort: Int?
    @Option(help: "Write only while holding a Lease; false when there is never a second replica.")
    var leaderElect = true
    @OptionGroup var log: LogOptions

    func validate() throws {
        switch try self.chosenMode() {
        case .kubernetes: _ = try self.options()
        case .universal:
            switch try self.chosenRole() {
            case .zone: _ = try self.universalOptions()
            case .global: _ = try self.globalOptions()
            }
        }
    }

    func run() async throws {
        let logger = try self.log.bootstrap("egret.cp")
        let registry = MetricsRegistry()
        let services =
            switch try self.chosenMode() {
            case .kubernetes: try self.kubernetes(registry, logger)
            case .universal:
                switch try self.chosenRole() {
                case .zone: try await self.universal(registry, logger)
                case .global: try await self.global(registry, logger)
                }
            }
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
            logger: Self.quiet(logger))
        configuration.maximumGracefulShutdownDuration = .seconds(4)
        do {
            try await Self.run(ServiceGroup(configuration: configuration), logger)
        } catch {
            logger.critical("Stopped", metadata: ["cause": "\(error)"])
            _exit(1)
        }
        logger.info("Stopped")
        // Not `exit`: its handlers would take the TLS library apart under curl's threads, which may still be inside it.
        _exit(0)
    }

    private func universal(_ registry: MetricsRegistry, _ logger: Logger) async throws -> [any Service] {
        let options = try self.universalOptions()
        logger.info(
            "Starting",
            metadata: [
                "version": "\(EgretVersion.current)", "mode": "universal", "zone": "\(options.zone)", "store": "\(options.storeFile)",
            ])
        do {
            return try await UniversalControlPlane(
                options: options, version: EgretVersion.current, registry: registry, logger: logger
            ).services
        } catch {
            throw Unusable(description: "\(error)")
        }
    }

    private func global(_ registry: MetricsRegistry, _ logger: Logger) async throws -> [any Service] {
        let options = try self.globalOptions()
        logger.info(
            "Starting",
            metadata: ["version": "\(EgretVersion.current)", "mode": "universal", "role": "global", "store": "\(options.storeFile)"])
        do {
            return try await GlobalControlPlane(options: options, version: EgretVersion.current, registry: registry, logger: logger)
                .services
        } catch {
            throw Unusable(description: "\(error)")
        }
    }

    private func kubernetes(_ registry: MetricsRegistry, _ logger: Logger) throws -> [any Service] {
        let options = try self.options()
        let config: ClusterConfig
        do {
            config = try ClusterConfig.load(file: options.kubeconfig, context: options.context)
        } catch {
            throw Unusable(description: "\(error)")
        }
        logger.info(
            "Starting",
            metadata: [
                "version": "\(EgretVersion.current)", "k8s.server": "\(config.server)", "k8s.namespace": "\(options.namespace)",
                "identity": "\(options.identity)",
            ])
        let client = KubeClient(
            config, userAgent: "egret-cp/\(EgretVersion.current)", metrics: KubeClientMetrics(registry), logger: logger)
        return ControlPlane(options: options, version: EgretVersion.current, client: client, registry: registry, logger: logger).services
    }

    /// The first signal stops in good order, the second at once.
    private static func run(_ group: ServiceGroup, _ logger: Logger) async throws {
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask {
                var isStopping = false
                for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                    if isStopping { _exit(1) }
                    isStopping = true
                    logger.info("Stopping", metadata: ["signal": "\(signal)"])
                    await group.triggerGracefulShutdown()
                }
            }
            try await tasks.next()
            tasks.cancelAll()
        }
    }

    /// The service group's own steps are of interest only when looking closely.
    private static func quiet(_ logger: Logger) -> Logger {
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        return quiet
    }
}

/// Something outside of the command line is not as it has to be; shown without the usage text.
struct Unusable: Error, CustomStringConvertible {
    let description: String
}
