import NIOCore
import NIOPosix
import Synchronization

/// Gives Services their addresses: listens on each ClusterIP and port and forwards connections to ready endpoints in turn.
/// What kube-proxy does in the kernel, as a program that needs no privileges.
actor ServiceForwarder {
    private let group: MultiThreadedEventLoopGroup = .singleton
    private let choices = Choices()
    private var channels: [ProxyTable.Listener: any Channel] = [:]

    /// Which endpoint is next, asked by event loops.
    private final class Choices: Sendable {
        private struct State {
            var table = ProxyTable()
            var turns: [ProxyTable.Listener: Int] = [:]
        }
        private let state = Mutex(State())

        func use(_ table: ProxyTable) { self.state.withLock { $0.table = table } }

        /// All ready endpoints, beginning with the one whose turn it is.
        func candidates(_ listener: ProxyTable.Listener) -> [ProxyTable.Backend] {
            self.state.withLock { state in
                let backends = state.table.backends[listener] ?? []
                guard !backends.isEmpty else { return [] }
                let turn = state.turns[listener, default: 0] % backends.count
                state.turns[listener] = turn + 1
                return Array(backends[turn...] + backends[..<turn])
            }
        }
    }

    /// Opens and closes listeners. Returns those that could not be opened, with the reason.
    func apply(_ table: ProxyTable) async -> [ProxyTable.Listener: String] {
        self.choices.use(table)
        for (listener, channel) in self.channels where table.backends[listener] == nil {
            self.channels[listener] = nil
            try? await channel.close()
        }
        var failures: [ProxyTable.Listener: String] = [:]
        for listener in table.backends.keys where self.channels[listener] == nil {
            do { self.channels[listener] = try await self.listen(listener) } catch { failures[listener] = "\(error)" }
        }
        return failures
    }

    func close() async {
        for channel in self.channels.values { try? await channel.close() }
        self.channels = [:]
    }

    private func listen(_ listener: ProxyTable.Listener) async throws -> any Channel {
        let choices = self.choices
        return try await ServerBootstrap(group: self.group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // Nothing is read before there is somebody to give it to.
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                Self.connect(channel, choices.candidates(listener)[...])
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: listener.address, port: listener.port).get()
    }

    /// Tries one endpoint after another: one that has just gone must not cost its client a connection.
    private static func connect(_ client: any Channel, _ backends: ArraySlice<ProxyTable.Backend>) {
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
                case .failure: Self.connect(client, backends.dropFirst())
                case .success(let server): Self.glue(client, server)
                }
            }
    }

    private static func glue(_ client: any Channel, _ server: any Channel) {
        do {
            let (near, far) = GlueHandler.pair()
            try client.pipeline.syncOperations.addHandler(near)
            try server.pipeline.syncOperations.addHandler(far)
            for channel in [client, server] { try channel.syncOptions?.setOption(.autoRead, value: true) }
        } catch {
            client.close(promise: nil)
            server.close(promise: nil)
        }
    }
}
