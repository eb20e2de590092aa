import ArgumentParser
import DevAPIServer
import ProgramOptions
import ServiceLifecycle
import UnixSignals

struct APIServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apiserver", abstract: "Runs the API alone. For development only.",
        discussion: "Writes kubeconfig, ca.crt and token into the data directory once it answers, and removes them when it stops.")

    @Option(help: "The port to listen on; 0 takes any free one.")
    var port: Int = 6443

    @Option(help: "The address to listen on.")
    var address: String = "127.0.0.1"

    @Option(name: .customLong("data-dir"), help: "Where kubeconfig, ca.crt and token are written.")
    var dataDirectory: String

    @Option(name: .customLong("history"), help: "How many changes a watch can go back.")
    var historyLimit: Int = 10_000

    @OptionGroup var audit: AuditOptions
    @OptionGroup var log: LogOptions

    func validate() throws {
        guard (0...65_535).contains(self.port) else { throw ValidationError("--port must be between 0 and 65535") }
        guard self.historyLimit > 0 else { throw ValidationError("--history must be at least 1") }
    }

    func run() async throws {
        let logger = try self.log.bootstrap("apiserver")
        let server = APIServer(
            options: APIServerOptions(
                address: self.address, port: self.port, dataDirectory: self.dataDirectory, historyLimit: self.historyLimit,
                auditLog: self.audit.path), logger: logger)
        try await ServiceGroup(
            configuration: .init(
                services: [.init(service: server)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        ).run()
    }
}
