import CLinux
import Glibc

/// Streams that carry as much as fits, from the backend to the clients or the other way. A unit is a byte that arrived.
struct Bulk: Work {
    enum Direction { case toClient, fromClient }

    private(set) var tally = Tally()
    private var hellos: HelloSequence
    private let streams: Int
    private let direction: Direction
    private let greeted: UnsafeMutablePointer<Bool>
    private let source: Source

    init(hellos: Hellos, streams: Int, direction: Direction, source: Source, limit: Int) {
        self.hellos = HelloSequence(hellos)
        self.streams = streams
        self.direction = direction
        self.source = source
        self.greeted = .allocate(capacity: limit)
        self.greeted.initialize(repeating: false, count: limit)
    }

    mutating func begin(_ ends: borrowing Ends) {
        for _ in 0..<self.streams {
            guard let fd = ends.open() else { return self.tally.fail("a client can't connect") }
            let hello = self.hellos.next()
            guard cl_send(fd, hello.baseAddress, hello.count) == hello.count else { return self.tally.fail("a hello can't be sent") }
            ends.watch(fd, .client, CL_EPOLLIN)
        }
    }

    mutating func client(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        switch self.direction {
        case .toClient:
            self.swallow(fd, ends)
        case .fromClient where events & CL_EPOLLOUT != 0:
            self.pour(fd, ends)
        case .fromClient:
            // The backend has the hello: from here on as much as the socket takes.
            guard cl_recv(fd, ends.scratch, Ends.scratchSize) > 0 else {
                self.tally.fail("a stream ended")
                return ends.close(fd)
            }
            ends.watchAgain(fd, .client, CL_EPOLLOUT)
        }
    }

    mutating func backend(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends) {
        if !self.greeted[Int(fd)] {
            guard cl_recv(fd, ends.scratch, Ends.scratchSize) > 0 else { return ends.close(fd) }
            self.greeted[Int(fd)] = true
            switch self.direction {
            case .toClient: ends.watchAgain(fd, .backend, CL_EPOLLOUT)
            case .fromClient: _ = cl_send(fd, ends.scratch, 64)
            }
        } else {
            switch self.direction {
            case .toClient: self.pour(fd, ends)
            case .fromClient: self.swallow(fd, ends)
            }
        }
    }

    private mutating func pour(_ fd: Int32, _ ends: borrowing Ends) {
        let count = self.source.pour(into: fd)
        guard count > 0 || count == -Int(EAGAIN) else {
            self.tally.fail("a stream broke with \(count)")
            return ends.close(fd)
        }
    }

    /// The kernel drops what arrived: copying it out would cost the generator and tell nothing about the proxy.
    private mutating func swallow(_ fd: Int32, _ ends: borrowing Ends) {
        let count = cl_discard(fd, 4 << 20)
        guard count > 0 else {
            if count != -Int(EAGAIN) {
                self.tally.fail("a stream ended with \(count)")
                ends.close(fd)
            }
            return
        }
        self.tally.units += count
    }
}
