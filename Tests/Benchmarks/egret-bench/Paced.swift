import CLinux
import Glibc

/// A light load by the clock: every millisecond a message on each of a few standing connections and one new connection.
///
/// A time counts from the moment the message was due, so a proxy that stands still is seen by everything that was due meanwhile.
struct Paced: Work {
    private(set) var tally = Tally()
    private(set) var latencies = Latencies()
    private var hellos: HelloSequence
    private let standing: Int
    private var due: Int64 = 0
    private var clients: [Int32] = []
    private let sentAt: UnsafeMutablePointer<Int64>
    private let stays: UnsafeMutablePointer<Bool>
    private let busy: UnsafeMutablePointer<Bool>
    private static let interval: Int64 = 1_000_000

    init(hellos: Hellos, standing: Int, limit: Int) {
        self.hellos = HelloSequence(hellos)
        self.standing = standing
        self.sentAt = .allocate(capacity: limit)
        self.stays = .allocate(capacity: limit)
        self.busy = .allocate(capacity: limit)
        self.sentAt.initialize(repeating: 0, count: limit)
        self.stays.initialize(repeating: false, count: limit)
        self.busy.initialize(repeating: false, count: limit)
    }

    mutating func begin(_ ends: borrowing Ends) {
        self.due = cl_monotonic_ns()
        for _ in 0..<self.standing {
            if let fd = self.open(due: self.due, stays: true, ends) { self.clients.append(fd) }
        }
    }

    @discardableResult
    private mutating func open(due: Int64, stays: Bool, _ ends: borrowing Ends) -> Int32? {
        let hello = self.hellos.next()
        guard let fd = ends.open(), cl_send(fd, hello.baseAddress, hello.count) == hello.count else {
            self.tally.fail("a client can't connect")
            return nil
        }
        self.sentAt[Int(fd)] = due
        self.stays[Int(fd)] = stays
        self.busy[Int(fd)] = true
        ends.watch(fd, .client, CL_EPOLLIN)
        return fd
    }

    mutating func tick(now: Int64, _ ends: borrowing Ends) {
        guard now >= self.due else { return }
        self.open(due: self.due, stays: false, ends)
        for fd in self.clients where !self.busy[Int(fd)] {
            self.sentAt[Int(fd)] = self.due
            self.busy[Int(fd)] = true
            _ = cl_send(fd, ends.scratch, Connections.answerSize)
        }
        self.due += Self.interval
    }

    mutating func client(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        let count = cl_recv(fd, ends.scratch, Ends.scratchSize)
        self.busy[Int(fd)] = false
        if count == Connections.answerSize {
            self.tally.units += 1
            self.latencies.record(nanoseconds: cl_monotonic_ns() - self.sentAt[Int(fd)])
        } else {
            self.tally.fail("a client got \(count) instead of its answer")
            if self.stays[Int(fd)] { self.clients.removeAll { $0 == fd } }
            return ends.close(fd)
        }
        if !self.stays[Int(fd)] { ends.close(fd) }
    }

    mutating func backend(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        if cl_recv(fd, ends.scratch, Ends.scratchSize) > 0 {
            _ = cl_send(fd, ends.scratch, Connections.answerSize)
        } else {
            ends.close(fd)
        }
    }

    mutating func measureFromHere() { self.latencies.reset() }
}
