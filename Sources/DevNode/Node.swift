package import Logging
import ServiceLifecycle

/// The node half of the development cluster: controllers, kubelet and service proxy, all clients of the API.
package struct Node: Service {
    private let options: NodeOptions
    private let logger: Logger

    package init(options: NodeOptions, logger: Logger) {
        self.options = options
        self.logger = logger
    }

    package func run() async throws {
        self.logger.info("development node started", metadata: ["node.name": "\(self.options.name)"])
        try? await gracefulShutdown()
    }
}
