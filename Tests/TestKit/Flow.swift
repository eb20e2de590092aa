import Foundation
import Glibc

/// What has become of one way of a connection, as the two threads at its ends know it. They wait on it for one another:
/// a pause ends with a fact, not with a time.
package final class Flow: @unchecked Sendable {
    // Sound: everything below is read and written with the condition's lock held.
    private let condition = NSCondition()
    private var sent = 0
    private var received = 0
    private var writer = Writer.sending
    private var end: End?
    private var writeError: Int32?

    private enum Writer { case sending, blocked, pausing, done }

    /// How the reader saw it end.
    package enum End: Equatable, Sendable {
        /// An end, or a reset of which the other thread of this socket was told.
        case closed
        case failed(Int32)
        /// The first byte that is not what was sent.
        case wrong(at: Int)
    }

    package struct Outcome: Equatable, Sendable {
        package var received: Int
        package var end: End?
        /// What the writer was told that could not go on.
        package var writeError: Int32?

        package init(received: Int, end: End?, writeError: Int32? = nil) {
            self.received = received
            self.end = end
            self.writeError = writeError
        }
    }

    private static let sendFlags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)

    package init() {}

    package var outcome: Outcome {
        self.condition.lock()
        defer { self.condition.unlock() }
        return Outcome(received: self.received, end: self.end, writeError: self.writeError)
    }

    private func change(_ body: () -> Void) {
        self.condition.lock()
        body()
        self.condition.broadcast()
        self.condition.unlock()
    }

    private func wait(until fact: () -> Bool) throws {
        self.condition.lock()
        defer { self.condition.unlock() }
        let limit = Date(timeIntervalSinceNow: 20)
        while !fact() {
            if !self.condition.wait(until: limit) { throw SocketError(number: ETIMEDOUT) }
        }
    }

    /// Returns when everything sent so far has arrived.
    func pause() throws {
        self.change { self.writer = .pausing }
        try self.wait { self.received >= self.sent || self.end != nil }
        self.change { self.writer = .sending }
    }

    /// Returns when the writer can't go on: what is between it and the reader is full.
    func stall() throws { try self.wait { self.writer != .sending } }

    func waitForEnd() throws { try self.wait { self.end != nil } }

    /// Returns when so much has arrived, or nothing more will.
    func waitForBytes(_ count: Int) throws { try self.wait { self.received >= count || self.end != nil } }

    /// Sends everything, saying when it must wait for room.
    func send(_ bytes: UnsafeRawBufferPointer, on fd: Int32) throws {
        var start = 0
        while start < bytes.count {
            let count = Glibc.send(fd, bytes.baseAddress! + start, bytes.count - start, Self.sendFlags)
            if count > 0 {
                start += count
                self.change { self.sent += count }
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                self.change { self.writer = .blocked }
                var waiting = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
                if poll(&waiting, 1, 20_000) == 0 { throw SocketError(number: ETIMEDOUT) }
                self.change { self.writer = .sending }
            default: throw SocketError(number: errno)
            }
        }
    }

    func writerEnded(_ error: Int32? = nil) {
        self.change {
            self.writer = .done
            self.writeError = error
        }
    }
    func arrived(_ count: Int) { self.change { self.received += count } }
    func ended(_ end: End) { self.change { self.end = end } }
}

/// Bytes of a stream that never ends, so that a shift, a swap or a loss shows. Long enough that no buffer on the way is.
package final class ByteStream: Sendable {
    private static let period = 1_000_003
    private let block: [UInt8]

    package init(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        self.block = Array(unsafeUninitializedCapacity: Self.period + 8) { block, count in
            let bytes = UnsafeMutableRawBufferPointer(block)
            for start in stride(from: 0, to: Self.period, by: 8) {
                bytes.storeBytes(of: generator.next(), toByteOffset: start, as: UInt64.self)
            }
            count = Self.period
        }
    }

    /// Calls `body` with the bytes of a range, in pieces.
    func pieces(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer, _ offset: Int) throws -> Void) rethrows {
        try self.block.withUnsafeBytes { block in
            var start = range.lowerBound
            while start < range.upperBound {
                let position = start % Self.period
                let count = min(range.upperBound - start, Self.period - position)
                try body(UnsafeRawBufferPointer(rebasing: block[position..<(position + count)]), start - range.lowerBound)
                start += count
            }
        }
    }

    func matches(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Bool {
        var isEqual = true
        self.pieces(start..<(start + bytes.count)) { piece, offset in
            if memcmp(piece.baseAddress!, bytes.baseAddress! + offset, piece.count) != 0 { isEqual = false }
        }
        return isEqual
    }
}
