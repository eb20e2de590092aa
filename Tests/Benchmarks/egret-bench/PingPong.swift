import CLinux
import Glibc

/// 64 bytes there and back, one message under way on each connection.
struct PingPong: Work {
    private(set) var tally = Tally()
    private(set) var latencies = Latencies()
    private var hellos: HelloSequence
    private let connections: Int
    private let sentAt: UnsafeMutablePointer<Int64>
    /// Whether the backend has had the hello of a connection, which it answers with a message of the usual size.
    private let greeted: UnsafeMutablePointer<Bool>
    static let size = 64

    init(hellos: Hellos, connections: Int, limit: Int) {
        self.hellos = HelloSequence(hellos)
        self.connections = connections
        self.sentAt = .allocate(capacity: limit)
        self.greeted = .allocate(capacity: limit)
        self.sentAt.initialize(repeating: 0, count: limit)
        self.greeted.initialize(repeating: false, count: limit)
    }

    mutating func begin(_ ends: borrowing Ends) {
        for _ in 0..<self.connections {
            guard let fd = ends.open() else { return self.tally.fail("a client can't connect") }
            let hello = self.hellos.next()
            guard cl_send(fd, hello.baseAddress, hello.count) == hello.count else { return self.tally.fail("a hello can't be sent") }
            self.sentAt[Int(fd)] = cl_monotonic_ns()
            ends.watch(fd, .client, CL_EPOLLIN)
        }
    }

    mutating func client(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        let count = cl_recv(fd, ends.scratch, Ends.scratchSize)
        guard count == Self.size else {
            self.tally.fail("a client got \(count) instead of \(Self.size) bytes")
            return ends.close(fd)
        }
        let now = cl_monotonic_ns()
        self.latencies.record(nanoseconds: now - self.sentAt[Int(fd)])
        self.tally.units += 1
        self.sentAt[Int(fd)] = now
        _ = cl_send(fd, ends.scratch, Self.size)
    }

    mutating func backend(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        let count = cl_recv(fd, ends.scratch, Ends.scratchSize)
        guard count > 0 else { return ends.close(fd) }
        let answer = self.greeted[Int(fd)] ? count : Self.size
        self.greeted[Int(fd)] = true
        _ = cl_send(fd, ends.scratch, answer)
    }

    mutating func measureFromHere() { self.latencies.reset() }
}
