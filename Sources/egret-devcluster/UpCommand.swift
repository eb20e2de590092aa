import ArgumentParser
import DevAPIServer
import DevNode
import Foundation
import Logging
import ProgramOptions
import ServiceLifecycle
import UnixSignals

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Runs API and node together. For development only.",
        discussion: """
            Prints one line when the cluster is ready, runs until SIGTERM or SIGINT, and leaves nothing behind but logs you asked for.

              egret-devcluster up --dir /tmp/egret --image egret-cp=.build/debug/egret-cp --image egret-dp=.build/debug/egret-dp
              kubectl --kubeconfig /tmp/egret/kubeconfig get nodes
            """)

    @Option(help: "Where the kubeconfig and the node's files live. Made when missing.")
    var dir: String

    @Option(help: "The API's port; 0 takes any free one.")
    var port: Int = 0

    @OptionGroup var images: ImageOptions
    @OptionGroup var audit: AuditOptions
    @OptionGroup var log: LogOptions

    func run() async throws {
        let logger = try self.log.bootstrap("devcluster")
        let directory = absolutePath(self.dir)
        let addresses = try AddressClaim.take()
        let madeDirectory = !FileManager.default.fileExists(atPath: directory)
        let ready = AsyncStream<String>.makeStream()
        let server = APIServer(
            options: APIServerOptions(
                port: self.port, dataDirectory: directory, serviceAddress: addresses.serviceAddress,
                auditLog: self.audit.path), logger: logger,
            onReady: { kubeconfig in
                ready.continuation.yield(kubeconfig)
                ready.continuation.finish()
            })
        let nodeDirectory = URL(filePath: directory).appending(path: "node").path
        let node = NodeWhenReady(
            ready: ready.stream, directory: nodeDirectory, images: self.images.programs, block: try AddressBlock(addresses.pods),
            logger: logger)
        defer {
            try? FileManager.default.removeItem(atPath: nodeDirectory)
            if madeDirectory { try? FileManager.default.removeItem(atPath: directory) }
        }
        // Stopped in reverse: the node ends its pods while the API still answers.
        try await ServiceGroup(
            configuration: .init(
                services: [.init(service: server), .init(service: node)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        ).run()
    }
}

/// Starts the node once the API answers.
private struct NodeWhenReady: Service {
    let ready: AsyncStream<String>
    let directory: String
    let images: [String: String]
    let block: AddressBlock
    let logger: Logger

    func run() async throws {
        for await kubeconfig in self.ready.cancelOnGracefulShutdown() {
            let options = NodeOptions(kubeconfig: kubeconfig, dataDirectory: self.directory, images: self.images, addressBlock: self.block)
            print("egret-devcluster is ready (for development only): export KUBECONFIG=\(kubeconfig)")
            fflush(nil)
            try await Node(options: options, logger: self.logger).run()
            return
        }
    }
}
