import CLinux

/// One kind of traffic. The driver calls it from a single thread.
protocol Work {
    var tally: Tally { get }
    /// Opens the first connections.
    mutating func begin(_ ends: borrowing Ends)
    /// The proxy connected to the backend.
    mutating func accepted(_ fd: Int32, _ ends: borrowing Ends)
    mutating func client(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends)
    mutating func backend(_ fd: Int32, _ events: UInt32, _ ends: borrowing Ends)
    /// Called after every batch of events.
    mutating func tick(now: Int64, _ ends: borrowing Ends)
    /// Forgets latencies so far: the warm-up is over.
    mutating func measureFromHere()
}

extension Work {
    mutating func accepted(_ fd: Int32, _ ends: borrowing Ends) { ends.watch(fd, .backend, CL_EPOLLIN) }
    mutating func tick(now: Int64, _ ends: borrowing Ends) {}
    mutating func measureFromHere() {}
}

/// What a work has done so far.
struct Tally {
    /// Bytes, connections or round trips: what the work is about.
    var units = 0
    /// Connections that ended otherwise than the work means them to.
    var failures = 0
    var firstFailure: String?

    mutating func fail(_ why: @autoclosure () -> String) {
        self.failures += 1
        if self.firstFailure == nil { self.firstFailure = why() }
    }
}
