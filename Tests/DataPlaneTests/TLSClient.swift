import NIOCore
import NIOPosix
import NIOSSL

/// A mesh client that talks to an echo through a terminated route.
struct TLSClient: Sendable {
    typealias Stream = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Connects and runs `body`, which says and hears.
    /// - Parameter preface: Sent ahead of TLS.
    static func with<Value: Sendable>(
        _ context: NIOSSLContext, _ port: UInt16, name: String = "ext.test", preface: [UInt8] = [],
        _ body:
            @escaping @Sendable (inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator, NIOAsyncChannelOutboundWriter<ByteBuffer>)
            async throws -> Value
    ) async throws -> Value {
        let stream = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: Int(port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(try NIOSSLClientHandler(context: context, serverHostname: name))
                    if !preface.isEmpty { try channel.pipeline.syncOperations.addHandler(Preface(preface), position: .first) }
                    return try Stream(wrappingChannelSynchronously: channel)
                }
            }
        return try await stream.executeThenClose { inbound, outbound in
            var reading = inbound.makeAsyncIterator()
            return try await body(&reading, outbound)
        }
    }
}

/// Says something ahead of everything that follows.
private final class Preface: ChannelOutboundHandler, ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: self.bytes)), promise: nil)
        context.fireChannelActive()
    }
}
