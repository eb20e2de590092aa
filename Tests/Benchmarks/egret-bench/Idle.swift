import CLinux
import Glibc

/// Connections that were used once, hello and answer, and stay open in silence.
struct Idle: Work {
    private(set) var tally = Tally()
    private var hellos: HelloSequence
    private let wanted: Int
    private var opened = 0
    private var clients: [Int32] = []

    /// Opening this many at a time.
    private static let lanes = 32

    init(hellos: Hellos, connections: Int) {
        self.hellos = HelloSequence(hellos)
        self.wanted = connections
    }

    mutating func begin(_ ends: borrowing Ends) {
        for _ in 0..<min(Self.lanes, self.wanted) { self.openOne(ends) }
    }

    private mutating func openOne(_ ends: borrowing Ends) {
        guard self.opened < self.wanted else { return }
        self.opened += 1
        guard let fd = ends.open() else { return self.tally.fail("a client can't connect") }
        let hello = self.hellos.next()
        guard cl_send(fd, hello.baseAddress, hello.count) == hello.count else { return self.tally.fail("a hello can't be sent") }
        self.clients.append(fd)
        ends.watch(fd, .client, CL_EPOLLIN)
    }

    mutating func client(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        let count = cl_recv(fd, ends.scratch, Ends.scratchSize)
        guard count == Connections.answerSize else {
            self.tally.fail("a client got \(count) instead of its answer")
            return ends.close(fd)
        }
        self.tally.units += 1
        self.openOne(ends)
    }

    mutating func backend(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        if cl_recv(fd, ends.scratch, Ends.scratchSize) > 0 {
            _ = cl_send(fd, ends.scratch, Connections.answerSize)
        } else {
            ends.close(fd)
        }
    }

    mutating func closeAll(_ ends: borrowing Ends) {
        for fd in self.clients { ends.close(fd) }
        self.clients = []
    }
}
