import ConfigSync
import Glibc
import Hummingbird
import NIOCore
import ServiceLifecycle

extension OutgoingStream {
    /// Writes messages until the peer leaves, the server stops, or a write fails.
    /// - Parameters:
    ///   - channel: the peer's connection.
    ///   - mayGoOn: asked every `StreamMessage.pingInterval`; false ends the stream.
    ///   - sent: told of each text that was written.
    func write(
        to writer: inout any ResponseBodyWriter, on channel: any Channel, request: Request,
        mayGoOn: @escaping @Sendable () -> Bool = { true },
        sent: (OutgoingConfig) -> Void
    ) async throws {
        try await Self.endsInSilence(channel)
        try await withGracefulShutdownHandler {
            try await request.body.consumeWithInboundCloseHandler(isolation: nil) { _ in
                try await withThrowingTaskGroup { group in
                    group.addTask {
                        while true {
                            try await Task.sleep(for: StreamMessage.pingInterval)
                            if mayGoOn() { self.wakeUp() } else { self.finish() }
                        }
                    }
                    defer { group.cancelAll() }
                    var lastWrite = ContinuousClock.now
                    for await _ in self.wakes {
                        for question in self.nextQuestions() {
                            try await writer.write(ByteBuffer(bytes: question.line))
                            lastWrite = .now
                        }
                        if let config = self.next() {
                            try await Self.write(config, to: &writer, on: channel)
                            sent(config)
                        } else if ContinuousClock.now - lastWrite >= StreamMessage.pingInterval {
                            try await writer.write(ByteBuffer(bytes: StreamMessage.pingLine))
                        } else {
                            continue
                        }
                        lastWrite = .now
                    }
                }
            } onInboundClosed: {
                self.finish()
            }
        } onGracefulShutdown: {
            self.finish()
        }
        try await writer.finish(nil)
    }

    /// A machine that dies takes no leave. Without this the kernel would repeat a ping for a quarter of an hour before it says so, and
    /// connections would be sent to that machine all the while.
    private static func endsInSilence(_ channel: any Channel) async throws {
        let limit = Int(StreamMessage.silenceLimit / .milliseconds(1))
        try await channel.setOption(.tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: limit).get()
    }

    /// Piece by piece, so that a peer that reads slowly costs some pieces of memory and not a whole table.
    ///
    /// A write returns before the connection's event loop has seen it, and until then nobody knows that the connection is full.
    /// With a thousand tables to encrypt the loop is behind by whole tables, so it is waited for every few pieces; what TLS has
    /// once needed for a connection it keeps.
    private static func write(
        _ config: OutgoingConfig, to writer: inout any ResponseBodyWriter, on channel: any Channel
    ) async throws {
        // What is small goes as one.
        if config.byteCount <= Self.pieceBytes {
            var buffer = ByteBuffer()
            buffer.reserveCapacity(config.byteCount)
            for part in config.parts { buffer.writeBytes(part) }
            try await writer.write(buffer)
            return
        }
        var ahead = 0
        for part in config.parts {
            var start = 0
            while start < part.count {
                let end = min(start + Self.pieceBytes, part.count)
                try await writer.write(ByteBuffer(bytes: part[start..<end]))
                ahead += end - start
                start = end
                if ahead >= Self.maxBytesAhead {
                    try await channel.eventLoop.submit {}.get()
                    ahead = 0
                }
            }
        }
    }

    /// A TLS record.
    private static var pieceBytes: Int { 16 << 10 }

    /// Written without knowing whether the connection takes any.
    private static var maxBytesAhead: Int { 64 << 10 }
}
