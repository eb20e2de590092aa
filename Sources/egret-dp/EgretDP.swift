import ArgumentParser
import ConfigSync
import ControlPlaneAccess
import DataPlane
import FoundationEssentials
import JSONModel
import Logging
import ProgramOptions
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@main
struct EgretDP: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "egret-dp", abstract: "The Egret data plane proxy.", subcommands: [Run.self, Check.self, PrintVersion.self])
}

struct PrintVersion: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() { print("egret-dp \(EgretVersion.current)") }
}

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the proxy.",
        discussion: """
            The proxy asks the control plane for its configuration and its certificates and listens where the configuration \
            says. Flags win over environment variables. On SIGTERM it withdraws its readiness, accepts for --drain-grace, \
            stops accepting, and gives open connections --drain-time; a second SIGTERM ends it at once. With --static-config \
            it obeys a file and needs no control plane; SIGHUP reads the file again.
            """)

    @Option(help: "egress, ingress or dataplane. (default: $KUMA_DATAPLANE_PROXY_TYPE, else dataplane)")
    var proxyType: String?
    @Option(help: "The proxy's name. (default: $KUMA_DATAPLANE_NAME, else $POD_NAME.$POD_NAMESPACE)")
    var name: String?
    @Option(help: "The mesh of a dataplane proxy; zone proxies serve all meshes. (default: $KUMA_DATAPLANE_MESH, else default)")
    var mesh: String?
    @Option(help: "URL of the control plane. (default: $KUMA_CONTROL_PLANE_URL, else https://localhost:5678)")
    var cpAddress: String?
    @Option(
        help: """
            File with the CA certificate of the control plane, read again when it changes. \
            (default: $KUMA_CONTROL_PLANE_CA_CERT_FILE, else the text in $KUMA_CONTROL_PLANE_CA_CERT, else the system's roots)
            """)
    var caCertFile: String?
    @Flag(help: "Do not verify the control plane. Whoever is on the way can then take its place.")
    var skipVerify = false
    @Option(
        help: "File with the proxy's token, read again when it changes. (default: $KUMA_DATAPLANE_RUNTIME_TOKEN_PATH)")
    var dataplaneTokenFile: String?
    @Option(help: "The proxy's token itself. (default: $KUMA_DATAPLANE_RUNTIME_TOKEN)")
    var dataplaneToken: String?
    @Option(
        name: [.customShort("d"), .long],
        help: "File with the proxy's own resource (ZoneEgress, Dataplane), which it brings to the control plane; - reads standard input.")
    var dataplaneFile: String?
    @Option(help: "The proxy's own resource itself.")
    var dataplane: String?
    @Option(name: [.customShort("v"), .long], help: "name=value for {{ name }} in the resource; repeatable. Else the environment counts.")
    var dataplaneVar: [String] = []
    @Option(
        help: """
            File with the whole configuration, instead of a control plane; applied again when it, or a file it names, changes. \
            (default: $EGRET_STATIC_CONFIG)
            """)
    var staticConfig: String?
    @Option(
        help: """
            Folder for the last good configuration, with which the proxy serves after a restart while the control plane is away; \
            one of its own for each proxy. (default: $EGRET_STATE_DIR, else none)
            """)
    var stateDir: String?
    @Flag(
        help: """
            Keep private keys in --state-dir, too, readable by this user only: without them a restarted proxy passes TLS through and \
            ends none until the control plane answers. (default: $EGRET_SAVE_KEYS is true)
            """)
    var saveKeys = false
    @Option(help: "How long open connections get to end by themselves. (default: $KUMA_DATAPLANE_DRAIN_TIME, else 30s)")
    var drainTime: String?
    @Option(help: "How long the proxy accepts after it stopped being ready. (default: 5s)")
    var drainGrace: String?
    @Option(help: "How long a client may take to send its TLS hello. (default: $EGRET_HELLO_TIMEOUT, else the static file's, else 5s)")
    var helloTimeout: String?
    @Option(
        help: """
            How large a TLS hello may be, record headers included, 512 to 65536 bytes. \
            (default: $EGRET_MAX_HELLO_BYTES, else the static file's, else 16384)
            """)
    var maxHelloBytes: Int?
    @Option(
        help: """
            Resident memory from which on new connections are refused, such as 512Mi. The cgroup's and the address space's own \
            limits always count. (default: $EGRET_MEMORY_LIMIT, else none)
            """)
    var memoryLimit: String?
    @Option(help: "Port of the admin server, on loopback and on $POD_IP; 0 takes a free one. (default: the static file's, else 9901)")
    var adminPort: Int?
    @Option(help: "Worker threads. (default: $KUMA_DATAPLANE_RUNTIME_CONCURRENCY, else the static file's, else one per usable core)")
    var concurrency: Int?
    @OptionGroup var envoy: EnvoyOptions
    @OptionGroup var log: LogOptions

    func validate() throws { _ = try self.options() }

    func run() async throws {
        let logger = try self.log.bootstrap("egret.dp")
        let options = try self.options()
        var facts: Logger.Metadata = [
            "version": "\(EgretVersion.current)", "proxy.type": "\(options.proxyType.rawValue)", "proxy.name": "\(options.name)",
        ]
        var trapped: [UnixSignal] = [.sigterm, .sigint]
        switch options.source {
        case .file(let path):
            facts["config.file"] = "\(path)"
            trapped.append(.sighup)
        case .controlPlane(let address):
            // What is in files can only be wrong here, not in the flags: no usage text.
            do {
                _ = try address.token?.read("this proxy's token")
                _ = try address.ca?.read("the control plane's CA certificate")
            } catch {
                throw Unusable(description: error.description)
            }
            facts["cp.address"] = "\(address.url)"
        }
        logger.info("Starting", metadata: facts)
        let ignored = self.envoy.ignored(self.environment)
        if !ignored.isEmpty {
            logger.warning(
                "Some settings of Kuma's data plane do nothing here; leave them out",
                metadata: ["settings": "\(ignored.joined(separator: ", "))"])
        }
        let signals = await UnixSignalsSequence(trapping: trapped)
        let dataPlane: DataPlane
        do {
            dataPlane = try DataPlane(options: options, logger: logger)
        } catch let error as UnusableFile {
            throw Unusable(description: "the configuration is refused:\n\(error)")
        }
        let status: Int32
        do {
            try await withThrowingTaskGroup { group in
                let (names, continuation) = AsyncStream<String>.makeStream()
                group.addTask {
                    for await signal in signals {
                        if signal == .sighup { dataPlane.reload() } else { continuation.yield("\(signal)") }
                    }
                }
                try await dataPlane.run(signals: names)
                group.cancelAll()
            }
            status = 0
        } catch {
            logger.critical("Stopped", metadata: ["cause": "\(error)"])
            status = 1
        }
        // Not `exit`: its handlers would take OpenSSL apart under threads that are still inside it.
        _exit(status)
    }
}

/// Something outside of the command line is not as it has to be; shown without the usage text.
struct Unusable: Error, CustomStringConvertible {
    let description: String
}
