import ConfigSync
import Hummingbird
import NIOCore
import ServiceLifecycle

extension OutgoingStream {
    /// Writes messages until the peer leaves, the server stops, or a write fails.
    /// - Parameters:
    ///   - mayGoOn: asked every ten seconds; false ends the stream.
    ///   - sent: told of each text that was written.
    func write(
        to writer: inout any ResponseBodyWriter, request: Request, mayGoOn: @escaping @Sendable () -> Bool = { true },
        sent: (OutgoingConfig) -> Void
    ) async throws {
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
                            try await Self.write(config, to: &writer)
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

    /// Piece by piece, so that a peer that reads slowly costs one piece of memory and not a whole table.
    private static func write(_ config: OutgoingConfig, to writer: inout any ResponseBodyWriter) async throws {
        // What is small goes as one.
        if config.byteCount <= Self.pieceBytes {
            var buffer = ByteBuffer()
            buffer.reserveCapacity(config.byteCount)
            for part in config.parts { buffer.writeBytes(part) }
            try await writer.write(buffer)
            return
        }
        for part in config.parts {
            var start = 0
            while start < part.count {
                let end = min(start + Self.pieceBytes, part.count)
                try await writer.write(ByteBuffer(bytes: part[start..<end]))
                start = end
            }
        }
    }

    /// A TLS record.
    private static var pieceBytes: Int { 16 << 10 }
}
