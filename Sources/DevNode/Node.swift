import CurlTransport
import FoundationEssentials
import KubeAPI
import KubeRuntime
package import Logging
import ServiceLifecycle
import Subprocess

/// The node half of the development cluster: controllers, kubelet and service proxy, all clients of the API.
package struct Node: Service {
    private let options: NodeOptions
    private let logger: Logger

    package init(options: NodeOptions, logger: Logger) {
        self.options = options
        self.logger = logger
    }

    /// Why pods cannot run on this machine, and what to do; nil where they can.
    package static func problem() async -> String? { await SandboxProcess.problem() }

    /// What cannot work on this machine, with the way to mend it.
    package struct Unusable: Error, CustomStringConvertible {
        package let description: String
    }

    /// Runs until cancelled or told to shut down gracefully. Either ends every pod's processes.
    package func run() async throws {
        if let problem = await Self.problem() { throw Unusable(description: problem) }
        try await LoopbackRoute.prepare(self.options.addressBlock)
        let transport = CurlTransport()
        let client = KubeClient(
            try ClusterConfig.load(file: self.options.kubeconfig), transport: transport, userAgent: "egret-devcluster-node",
            rate: .init(perSecond: 1000, burst: 1000), logger: self.logger)
        let caches = InformerGroup(NodeWorld.cached.map { Informer($0, client: client, logger: self.logger) })
        let world = NodeWorld(options: self.options, client: client, transport: transport, caches: caches, logger: self.logger)
        try self.clearDataDirectory()
        try await cancelWhenGracefulShutdown {
            do {
                try await self.run(world)
            } catch is CancellationError {}
        }
    }

    private func run(_ world: NodeWorld) async throws {
        let kubelet = Kubelet(world)
        let endpoint = KubeletEndpoint(kubelet: kubelet, world: world)
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let node = NodeObject(
            name: self.options.name, address: NodeWorld.address, kubeletPort: 0, capacity: world.capacity,
            addressBlock: self.options.addressBlock)
        let controllers = Controllers(world: world, nodeLabels: node.labels)
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await world.caches.run() }
            group.addTask { try await kubelet.run() }
            group.addTask { try await endpoint.run { port.yield($0) } }
            group.addTask {
                for await number in ports {
                    var node = node
                    node.kubeletPort = number
                    await NodeRegistration(world: world).run(node)
                }
            }
            group.addTask { await GarbageCollector(world).run() }
            for loop in [
                controllers.deployments, controllers.replicaSets, controllers.endpointSlices, controllers.scheduler,
                controllers.namespaces,
            ] {
                group.addTask { try await loop.run() }
            }
            if self.options.proxiesServices { group.addTask { try await ServiceProxy(world: world).run() } }
        }
    }

    /// Removes what an earlier node left. Only the folders we make: the directory is the user's.
    private func clearDataDirectory() throws {
        for folder in ["pods", "logs"] {
            let path = "\(self.options.dataDirectory)/\(folder)"
            if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
    }
}
