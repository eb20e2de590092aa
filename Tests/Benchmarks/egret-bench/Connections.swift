import CLinux
import Glibc

/// New connections, one after another in each of `concurrency` lanes: hello, an answer of 64 bytes, close by the client.
struct Connections: Work {
    private(set) var tally = Tally()
    private var hellos: HelloSequence
    private let concurrency: Int
    static let answerSize = 64

    init(hellos: Hellos, concurrency: Int) {
        self.hellos = HelloSequence(hellos)
        self.concurrency = concurrency
    }

    mutating func begin(_ ends: borrowing Ends) {
        for _ in 0..<self.concurrency { self.openOne(ends) }
    }

    private mutating func openOne(_ ends: borrowing Ends) {
        guard let fd = ends.open() else { return self.tally.fail("a client can't connect") }
        self.sayHello(fd, ends)
    }

    private mutating func sayHello(_ fd: Int32, _ ends: borrowing Ends) {
        let hello = self.hellos.next()
        let sent = cl_send(fd, hello.baseAddress, hello.count)
        ends.watch(fd, .client, sent == hello.count ? CL_EPOLLIN : CL_EPOLLOUT)
    }

    mutating func client(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        if events & CL_EPOLLIN == 0, events & CL_EPOLLOUT != 0 {
            _ = cl_epoll_remove(ends.epoll, fd)
            return self.sayHello(fd, ends)
        }
        let count = cl_recv(fd, ends.scratch, Ends.scratchSize)
        if count == Self.answerSize {
            self.tally.units += 1
        } else {
            self.tally.fail("a client got \(count) instead of its answer")
        }
        ends.close(fd)
        self.openOne(ends)
    }

    mutating func backend(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        if cl_recv(fd, ends.scratch, Ends.scratchSize) > 0 {
            _ = cl_send(fd, ends.scratch, Self.answerSize)
        } else {
            ends.close(fd)
        }
    }
}
