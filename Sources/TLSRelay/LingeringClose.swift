import NIOCore

/// Closes like a polite server: first what we said last (data, an alert, close_notify) leaves, then the sending half ends,
/// then the whole closes once the peer has closed or the time is over. Closing at once would drop what is unsent, and with
/// bytes of the peer unread the kernel would send a reset, which discards what the peer has not read yet.
///
/// Nearest to the socket.
final class LingeringClose: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case open
        /// The last bytes are on their way.
        case flushing
        /// We have ended; the peer has not.
        case lingering
    }

    /// For a peer that does not read.
    private let flushLimit: TimeAmount
    /// For a peer that does not close.
    private let lingerLimit: TimeAmount
    private var state = State.open
    private var inputEnded = false
    private var timer: Scheduled<Void>?
    private var promise: EventLoopPromise<Void>?
    /// Set to close at once.
    var isAborting = false

    init(flushLimit: TimeAmount = .seconds(30), lingerLimit: TimeAmount = .seconds(2)) {
        self.flushLimit = flushLimit
        self.lingerLimit = lingerLimit
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, !self.isAborting, context.channel.isActive else {
            context.close(mode: mode, promise: promise)
            return
        }
        guard self.state == .open else {
            // Under way.
            promise?.succeed()
            return
        }
        self.state = .flushing
        self.promise = promise
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.timer = context.eventLoop.assumeIsolated().scheduleTask(in: self.flushLimit) { self.end(bound.value) }
        let sent = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(self.wrapOutboundOut(context.channel.allocator.buffer(capacity: 0)), promise: sent)
        sent.futureResult.assumeIsolated().whenComplete { _ in self.flushed(bound.value) }
    }

    private func flushed(_ context: ChannelHandlerContext) {
        guard self.state == .flushing else { return }
        if self.inputEnded {
            self.end(context)
            return
        }
        self.state = .lingering
        context.close(mode: .output, promise: nil)
        context.read()
        self.timer?.cancel()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        self.timer = context.eventLoop.assumeIsolated().scheduleTask(in: self.lingerLimit) { self.end(bound.value) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if self.state == .open { context.fireChannelRead(data) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.state == .open { context.fireChannelReadComplete() } else { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            self.inputEnded = true
            if self.state == .lingering { self.end(context) }
            if self.state != .open { return }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.timer?.cancel()
        self.promise?.succeed()
        self.promise = nil
        context.fireChannelInactive()
    }

    private func end(_ context: ChannelHandlerContext) {
        self.timer?.cancel()
        self.isAborting = true
        let promise = self.promise
        self.promise = nil
        context.close(mode: .all, promise: promise)
    }
}
