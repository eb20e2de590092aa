import ArgumentParser
import DevNode
import ProgramOptions
import ServiceLifecycle
import UnixSignals

struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Runs the node alone, for an API that runs elsewhere. For development only.",
        discussion: """
            A real API server accepts no loopback address as an endpoint. For one, give --pods another block, which is made local to \
            this machine; that needs root.
            """)

    @Option(help: "A kubeconfig with rights over the whole cluster.")
    var kubeconfig: String

    @Option(help: "Where the files of pods live. Made when missing.")
    var dir: String

    @Option(
        help: ArgumentHelp("The block of the pods' addresses.", valueName: "cidr"),
        transform: { text in
            do { return try AddressBlock(text) } catch { throw ValidationError("\(error)") }
        })
    var pods: AddressBlock = .pods

    @OptionGroup var images: ImageOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = try self.log.bootstrap("node")
        let options = NodeOptions(
            kubeconfig: absolutePath(self.kubeconfig), dataDirectory: absolutePath(self.dir), images: self.images.programs,
            addressBlock: self.pods)
        try await ServiceGroup(
            configuration: .init(
                services: [.init(service: Node(options: options, logger: logger))], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger)
        ).run()
    }
}
