import NIOCore
import NIOTLS

/// Which of a connection's two sockets.
enum Side: Hashable {
    case client, upstream

    var other: Side { self == .client ? .upstream : .client }
}

/// Tells a connection what happens on one of its sockets. Last in the pipeline, after TLS where there is TLS.
final class SideHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let side: Side
    /// Nil before the connection chose this socket among those it tries, and once it has lost interest in it.
    private var connection: RelayedConnection?

    init(_ side: Side) { self.side = side }

    func attach(_ connection: RelayedConnection) { self.connection = connection }

    func detach() { self.connection = nil }

    func channelActive(context: ChannelHandlerContext) {
        self.connection?.opened(self.side)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.connection?.received(self.unwrapInboundIn(data), from: self.side)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if let connection = self.connection { connection.readCompleted(self.side) } else { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { self.connection?.writabilityChanged(self.side) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            self.connection?.handshakeCompleted(self.side)
        } else if case ChannelEvent.inputClosed = event {
            self.connection?.inputEnded(self.side)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let connection = self.connection { connection.failed(self.side, error) } else { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let connection = self.connection
        self.connection = nil
        connection?.closed(self.side)
        context.fireChannelInactive()
    }
}
