import CLinux
import Glibc

/// One end of a connection talks, the other stops reading for longer than anything but the idle timeout allows.
package struct Stall: Sendable {
    package enum Amount: Sendable {
        /// The sender is stopped by the reader.
        case much
        /// The proxy's kernel takes all of it: nobody waits to write, and only window probes are on their way.
        case little
    }

    /// Each amount in each direction.
    package static let cases: [(amount: Amount, clientReads: Bool)] = [(.much, false), (.much, true), (.little, false), (.little, true)]

    private static let bytes = ByteStream(seed: 7)
    private let amount: Amount
    private let time: useconds_t

    /// - Parameter milliseconds: For which the reader rests.
    package init(_ amount: Amount, milliseconds: Int) {
        self.amount = amount
        self.time = useconds_t(milliseconds * 1000)
    }

    package var count: Int { self.amount == .much ? 16 << 20 : 1 << 16 }

    /// For the reader, before it connects or begins. Nil: the system's.
    package var receiveBuffer: Int32? { self.amount == .much ? nil : 4096 }

    package func limit(_ socket: TestSocket) {
        guard var size = self.receiveBuffer else { return }
        setsockopt(socket.fd, SOL_SOCKET, SO_RCVBUF, &size, 4)
    }

    /// Says everything, ends its half, and waits for the other end's.
    package func talk(_ socket: TestSocket) throws -> Bool {
        try Self.bytes.pieces(0..<self.count) { piece, _ in
            var sent = 0
            while sent < piece.count {
                let count = cl_send(socket.fd, piece.baseAddress! + sent, piece.count - sent)
                guard count > 0 else { throw SocketError(number: Int32(-count)) }
                sent += count
            }
        }
        socket.shutdownWrite()
        return try socket.receiveToEnd().isEmpty
    }

    /// Rests, then reads to the end. Returns whether everything came.
    package func read(_ socket: TestSocket) throws -> Bool {
        usleep(self.time)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 8)
        defer { buffer.deallocate() }
        var position = 0
        var isRight = true
        while true {
            let count = cl_recv(socket.fd, buffer.baseAddress, buffer.count)
            guard count >= 0 else { throw SocketError(number: Int32(-count)) }
            if count == 0 { break }
            if !Self.bytes.matches(UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: position) { isRight = false }
            position += count
        }
        socket.shutdownWrite()
        return isRight && position == self.count
    }
}
