import ArgumentParser
import DevAPIServer
import DevNode
import Foundation
import Logging
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

    @Option(
        name: .customLong("image"),
        help: ArgumentHelp("A program that stands for an image, by the image's last path component.", valueName: "NAME=BINARY"))
    var images: [String] = []

    @Option(help: "The API's port; 0 takes any free one.")
    var port: Int = 0

    @OptionGroup var log: LogOptions

    func validate() throws {
        for image in self.images {
            let parts = image.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else {
                throw ValidationError("--image \"\(image)\" must be NAME=BINARY, such as egret-dp=.build/debug/egret-dp")
            }
            guard FileManager.default.isExecutableFile(atPath: String(parts[1])) else {
                throw ValidationError("--image \"\(image)\": there is no program at \(parts[1]); build it first or mend the path")
            }
        }
    }

    func run() async throws {
        let logger = self.log.logger("devcluster")
        let directory = URL(filePath: self.dir, relativeTo: URL(filePath: FileManager.default.currentDirectoryPath)).standardizedFileURL
            .path
        let madeDirectory = !FileManager.default.fileExists(atPath: directory)
        let ready = AsyncStream<String>.makeStream()
        let server = APIServer(
            options: APIServerOptions(port: self.port, dataDirectory: directory), logger: logger,
            onReady: { kubeconfig in
                ready.continuation.yield(kubeconfig)
                ready.continuation.finish()
            })
        var images: [String: String] = [:]
        for image in self.images {
            let parts = image.split(separator: "=", maxSplits: 1).map(String.init)
            images[parts[0]] =
                URL(filePath: parts[1], relativeTo: URL(filePath: FileManager.default.currentDirectoryPath)).standardizedFileURL.path
        }
        let nodeDirectory = URL(filePath: directory).appending(path: "node").path
        let node = NodeWhenReady(ready: ready.stream, directory: nodeDirectory, images: images, logger: logger)
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
    let logger: Logger

    func run() async throws {
        for await kubeconfig in self.ready.cancelOnGracefulShutdown() {
            let options = NodeOptions(kubeconfig: kubeconfig, dataDirectory: self.directory, images: self.images)
            print("egret-devcluster is ready (for development only): export KUBECONFIG=\(kubeconfig)")
            fflush(nil)
            try await Node(options: options, logger: self.logger).run()
            return
        }
    }
}
