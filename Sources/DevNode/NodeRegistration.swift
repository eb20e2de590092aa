import FoundationEssentials
import JSONModel
import KubeAPI
import KubeRuntime
import Logging

/// Makes the Node object and keeps its heartbeat.
struct NodeRegistration: Sendable {
    let world: NodeWorld
    private static let period = Duration.seconds(20)

    func run(_ node: NodeObject) async {
        let since = Date()
        var isKnown = false
        while !Task.isCancelled {
            do throws(KubeError) {
                if !isKnown { try await self.world.client.apply(.nodes, node.object, fieldManager: "egret-node") }
                try await self.world.client.patch(
                    .merge, .nodes, node.name, subresource: "status", body: ["status": node.status(since: since, now: Date())])
                if !isKnown {
                    self.world.logger.info(
                        "node registered",
                        metadata: [
                            "k8s.object": "Node/\(node.name)", "kubelet.port": "\(node.kubeletPort)", "pods": "\(node.addressBlock)",
                        ])
                }
                isKnown = true
            } catch {
                // Deleted by somebody, or the API is not there yet.
                isKnown = false
                self.world.logger.debug("node not registered", metadata: ["reason": "\(error)"])
            }
            try? await Task.sleep(for: isKnown ? Self.period : .milliseconds(300))
        }
    }
}
