import KubeAPI
import KubeRuntime
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Gives Services their addresses: listens on each ClusterIP and port and forwards connections to ready endpoints in turn.
/// What kube-proxy does in the kernel, as a program that needs no privileges.
final class ServiceProxy: Sendable {
    private let world: NodeWorld
    private let group: MultiThreadedEventLoopGroup = .singleton
    private let state = Mutex(State())

    private struct State {
        var table = ProxyTable()
        var turns: [ProxyTable.Listener: Int] = [:]
    }

    init(_ world: NodeWorld) { self.world = world }

    func run() async throws {
        let changes = self.world.caches.changes()
        try await self.world.caches.waitUntilSynchronised()
        var channels: [ProxyTable.Listener: any Channel] = [:]
        var refused: Set<ProxyTable.Listener> = []
        await self.follow(&channels, &refused)
        for await batch in changes where batch.contains(where: { $0.type == .services || $0.type == .endpointSlices }) {
            await self.follow(&channels, &refused)
        }
        for channel in channels.values { try? await channel.close() }
    }

    private func follow(_ channels: inout [ProxyTable.Listener: any Channel], _ refused: inout Set<ProxyTable.Listener>) async {
        let table = ProxyTable(services: self.world.objects(.services), slices: self.world.objects(.endpointSlices))
        self.state.withLock { $0.table = table }
        for (listener, channel) in channels where table.backends[listener] == nil {
            try? await channel.close()
            channels[listener] = nil
        }
        refused.formIntersection(table.backends.keys)
        for listener in table.backends.keys where channels[listener] == nil {
            do {
                channels[listener] = try await self.listen(listener)
                refused.remove(listener)
            } catch  where refused.insert(listener).inserted {
                self.world.logger.warning(
                    "a Service has no listener; is its address one of this machine, and its port free there?",
                    metadata: [
                        "k8s.object": "Service/\(table.names[listener] ?? "")", "listener": "\(listener.address):\(listener.port)",
                        "reason": "\(error)",
                    ])
            } catch {
                continue  // Said before; the next change tries again.
            }
        }
    }

    private func listen(_ listener: ProxyTable.Listener) async throws -> any Channel {
        try await ServerBootstrap(group: self.group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // Nothing is read before there is somebody to give it to.
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                self.connect(channel, self.candidates(listener)[...])
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: listener.address, port: listener.port).get()
    }

    /// All ready endpoints, beginning with the one whose turn it is.
    private func candidates(_ listener: ProxyTable.Listener) -> [ProxyTable.Backend] {
        self.state.withLock { state in
            let backends = state.table.backends[listener] ?? []
            guard !backends.isEmpty else { return [] }
            let turn = state.turns[listener, default: 0] % backends.count
            state.turns[listener] = turn + 1
            return Array(backends[turn...] + backends[..<turn])
        }
    }

    /// Tries one endpoint after another: one that has just gone must not cost its client a connection.
    private func connect(_ client: any Channel, _ backends: ArraySlice<ProxyTable.Backend>) {
        guard let backend = backends.first else {
            client.close(promise: nil)
            return
        }
        ClientBootstrap(group: client.eventLoop)
            .connectTimeout(.seconds(5))
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: false)
            .connect(host: backend.address, port: backend.port)
            .whenComplete { result in
                switch result {
                case .failure: self.connect(client, backends.dropFirst())
                case .success(let server): Self.glue(client, server)
                }
            }
    }

    private static func glue(_ client: any Channel, _ server: any Channel) {
        do {
            let (near, far) = GlueHandler.pair()
            try client.pipeline.syncOperations.addHandler(near)
            try server.pipeline.syncOperations.addHandler(far)
            for channel in [client, server] {
                try channel.syncOptions?.setOption(.autoRead, value: true)
                channel.read()
            }
        } catch {
            client.close(promise: nil)
            server.close(promise: nil)
        }
    }
}
