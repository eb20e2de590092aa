import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

typealias Stream = NIOAsyncChannel<ByteBuffer, ByteBuffer>

private let group = MultiThreadedEventLoopGroup.singleton

private func wrap(_ channel: any Channel, _ tls: (any ChannelHandler)?) throws -> Stream {
    if let tls { try channel.pipeline.syncOperations.addHandler(tls) }
    return try Stream(wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
}

/// A client as a test sees it: connect, say, listen.
func connect(port: Int, tls: TLSConfiguration? = nil, serverName: String? = nil) async throws -> Stream {
    let context = try tls.map { try NIOSSLContext(configuration: $0) }
    return try await ClientBootstrap(group: group)
        .channelOption(.allowRemoteHalfClosure, value: true)
        .channelOption(.socketOption(.so_rcvbuf), value: 65536)
        .connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try wrap(channel, try context.map { try NIOSSLClientHandler(context: $0, serverHostname: serverName) })
            }
        }
}

extension Stream {
    /// Sends everything, half-closes, and reads to the end.
    func exchange(_ bytes: [UInt8]) async throws -> [UInt8] {
        try await self.executeThenClose { inbound, outbound in
            async let answer = inbound.reduce(into: [UInt8]()) { $0 += $1.readableBytesView }
            var rest = bytes[...]
            while !rest.isEmpty {
                try await outbound.write(ByteBuffer(bytes: rest.prefix(65536)))
                rest = rest.dropFirst(65536)
            }
            outbound.finish()
            return try await answer
        }
    }

    /// Waits for the peer to end, or fails with what went wrong.
    func readToEnd(saying bytes: [UInt8] = []) async throws -> [UInt8] {
        try await self.executeThenClose { inbound, outbound in
            if !bytes.isEmpty { try await outbound.write(ByteBuffer(bytes: bytes)) }
            return try await inbound.reduce(into: [UInt8]()) { $0 += $1.readableBytesView }
        }
    }
}

/// An upstream server of a test. `serve` gets each accepted connection.
final class Upstream: Sendable {
    let port: UInt16

    init(tls: TLSConfiguration? = nil, _ serve: @escaping @Sendable (Stream) async throws -> Void) async throws {
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // Bounded, so that a test can fill what lies between two peers.
            .childChannelOption(.socketOption(.so_sndbuf), value: 65536)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try wrap(channel, context.map { NIOSSLServerHandler(context: $0) }) }
            }
        self.port = UInt16(listener.channel.localAddress!.port!)
        let count = AcceptCount()
        self.count = count
        // Serves until the test process ends: a stream that nobody picks up would trap.
        Task {
            try? await withThrowingDiscardingTaskGroup { group in
                try await listener.executeThenClose { inbound in
                    for try await stream in inbound {
                        count.value.withLock { $0 += 1 }
                        group.addTask { try? await serve(stream) }
                    }
                }
            }
        }
    }

    private let count: AcceptCount
    private final class AcceptCount: Sendable { let value = Mutex(0) }
    var acceptedConnections: Int { self.count.value.withLock { $0 } }
}

/// Sends back what comes, then ends.
@Sendable func echo(_ stream: Stream) async throws {
    try await stream.executeThenClose { inbound, outbound in
        for try await buffer in inbound { try await outbound.write(buffer) }
        outbound.finish()
        // Ours is said; the peer's end was read above.
    }
}

/// Says something at once and ends.
@Sendable func greet(_ stream: Stream) async throws {
    try await stream.executeThenClose { inbound, outbound in
        try await outbound.write(ByteBuffer(string: "hello"))
        outbound.finish()
        for try await _ in inbound {}
    }
}
