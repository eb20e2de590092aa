import KubeAPI
import KubeRuntime
import Logging

/// Keeps the forwarder's table in step with Services and EndpointSlices. Reads the API's objects, not the kubelet's pods, so
/// that endpoints somebody else wrote are served as well.
struct ServiceProxy: Sendable {
    let world: NodeWorld

    func run() async throws {
        let forwarder = ServiceForwarder()
        let changes = self.world.caches.changes()
        try await self.world.caches.waitUntilSynchronised()
        var refused: Set<ProxyTable.Listener> = []
        await self.follow(forwarder, &refused)
        for await batch in changes where batch.contains(where: { $0.type == .services || $0.type == .endpointSlices }) {
            await self.follow(forwarder, &refused)
        }
        await forwarder.close()
    }

    private func follow(_ forwarder: ServiceForwarder, _ refused: inout Set<ProxyTable.Listener>) async {
        let table = ProxyTable(services: self.world.objects(.services), slices: self.world.objects(.endpointSlices))
        let failures = await forwarder.apply(table)
        for (listener, reason) in failures where !refused.contains(listener) {
            self.world.logger.warning(
                "a Service has no listener; its address must be one of this machine, its port free there, and one below 1024 needs root",
                metadata: [
                    "k8s.object": "Service/\(table.names[listener] ?? "")", "listener": "\(listener.address):\(listener.port)",
                    "reason": "\(reason)",
                ])
        }
        // Each failure is told once; the next change tries again.
        refused = Set(failures.keys)
    }
}
