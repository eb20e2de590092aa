import CLinux
import Glibc

/// What the two ends of one connection do, drawn from a seed: how much they say, in which pieces, where they pause, where
/// they stop reading until the other can send no more, and how they end.
package struct TransferScript: Sendable {
    /// What one end does.
    package struct Side: Sendable {
        /// Sizes of writes, in order.
        package var writes: [Int]
        /// Before which writes it waits until all of the earlier ones have arrived.
        package var pauses: Set<Int>
        /// The largest read, in bytes.
        package var readSize: Int
        /// Having received so much it reads no more until the other end is stuck.
        package var stalls: [Int]
        /// 0: the system's.
        package var receiveBuffer: Int32
        package var ending: Ending

        package var total: Int { self.writes.reduce(0, +) }
    }

    package enum Ending: Sendable, Equatable {
        /// Ends its half after its last write.
        case atOnce
        /// Ends its half when the other has ended.
        case afterTheOther
        /// Says its last piece only when the other has ended: an answer ahead of the question's end.
        case lastPieceAfterTheOther
        /// Resets when it has received so much.
        case reset(after: Int)
    }

    package let seed: UInt64
    package var client: Side
    package var server: Side

    package init(seed: UInt64) {
        self.seed = seed
        var generator = SeededGenerator(seed: seed)
        self.client = Self.side(&generator)
        self.server = Self.side(&generator)
        let position = { (count: Int, generator: inout SeededGenerator) in Int.random(in: 0...max(0, count), using: &generator) }
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: self.client.ending = .afterTheOther
        case 1: self.server.ending = .afterTheOther
        case 2: self.client.ending = .lastPieceAfterTheOther
        case 3: self.server.ending = .lastPieceAfterTheOther
        case 4: self.client.ending = .reset(after: position(self.server.total, &generator))
        case 5: self.server.ending = .reset(after: position(self.client.total, &generator))
        default: break
        }
    }

    private static func side(_ generator: inout SeededGenerator) -> Side {
        // Nothing, little, or up to some megabytes, each as likely.
        let total = [0, Int.random(in: 1...5000, using: &generator), Int.random(in: 5000...4_000_000, using: &generator)]
            .randomElement(using: &generator)!
        let largest = 1 << Int.random(in: 6...20, using: &generator)
        var writes: [Int] = []
        var pauses: Set<Int> = []
        var left = total
        while left > 0 {
            // Not too many tiny ones: the test's time goes into system calls.
            let size = min(left, max(Int.random(in: 1...largest, using: &generator), total / 2000))
            if Int.random(in: 0..<50, using: &generator) == 0 { pauses.insert(writes.count) }
            writes.append(size)
            left -= size
        }
        let stalls = (0..<Int.random(in: 0...2, using: &generator)).map { _ in Int.random(in: 0...4_000_000, using: &generator) }.sorted()
        // Through a small buffer megabytes take a minute: the kernel delays its acknowledgements.
        return Side(
            writes: writes, pauses: pauses, readSize: 1 << Int.random(in: 9...18, using: &generator), stalls: stalls,
            receiveBuffer: Bool.random(using: &generator) ? 0 : Int32.random(in: 32768...262144, using: &generator), ending: .atOnce)
    }
}

/// One end of a connection while it follows its script, on two threads: one writes, one reads.
package struct ScriptedEnd: Sendable {
    private let socket: TestSocket
    private let script: TransferScript.Side
    private let outgoing: (flow: Flow, bytes: ByteStream)
    private let incoming: (flow: Flow, bytes: ByteStream)
    private let threadEnded: @Sendable () -> Void

    /// - Parameter threadEnded: called by each of the two threads when its way is over.
    package init(
        socket: TestSocket, script: TransferScript.Side, outgoing: (flow: Flow, bytes: ByteStream),
        incoming: (flow: Flow, bytes: ByteStream), threadEnded: @escaping @Sendable () -> Void
    ) {
        self.socket = socket
        self.script = script
        self.outgoing = outgoing
        self.incoming = incoming
        self.threadEnded = threadEnded
    }

    package func start() {
        startThread {
            self.outgoing.flow.writerEnded(self.write())
            self.threadEnded()
        }
        startThread {
            self.incoming.flow.ended(self.read())
            self.threadEnded()
        }
    }

    /// Returns what kept it from saying everything.
    private func write() -> Int32? {
        do {
            var start = 0
            for (number, size) in self.script.writes.enumerated() {
                if self.script.pauses.contains(number) { try self.outgoing.flow.pause() }
                if number == self.script.writes.count - 1, self.script.ending == .lastPieceAfterTheOther {
                    self.outgoing.flow.writerEnded()
                    try self.incoming.flow.waitForEnd()
                }
                try self.outgoing.bytes.pieces(start..<(start + size)) { piece, _ in
                    try self.outgoing.flow.send(piece, on: self.socket.fd)
                }
                start += size
            }
            self.outgoing.flow.writerEnded()
            switch self.script.ending {
            case .atOnce: break
            case .afterTheOther, .lastPieceAfterTheOther: try self.incoming.flow.waitForEnd()
            case .reset(let count):
                try self.incoming.flow.waitForBytes(count)
                self.socket.disconnect()
                return nil
            }
            self.socket.shutdownWrite()
            return nil
        } catch {
            return (error as? SocketError)?.number ?? EINVAL
        }
    }

    private func read() -> Flow.End {
        var stalls = self.script.stalls[...]
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: self.script.readSize, alignment: 8)
        defer { buffer.deallocate() }
        var position = 0
        while true {
            if let stall = stalls.first, position >= stall {
                stalls.removeFirst()
                do { try self.incoming.flow.stall() } catch { return .failed(ETIMEDOUT) }
            }
            let count = cl_recv(self.socket.fd, buffer.baseAddress, buffer.count)
            if count == -Int(EINTR) { continue }
            if count == 0 { return .closed }
            if count < 0 { return .failed(Int32(-count)) }
            guard self.incoming.bytes.matches(UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: position) else {
                return .wrong(at: position)
            }
            position += count
            self.incoming.flow.arrived(count)
        }
    }
}

extension TestSocket {
    /// Sends a reset now and keeps the descriptor, which another thread may be using.
    package func disconnect() {
        var address = sockaddr(sa_family: sa_family_t(AF_UNSPEC), sa_data: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        _ = Glibc.connect(self.fd, &address, socklen_t(MemoryLayout<sockaddr>.size))
    }
}
