import CLinux

/// Runs a work for its time and measures what it cost the proxy.
struct Driver {
    var warmup: Double
    var seconds: Double
    /// Ends early after as many units or failures.
    var total: Int?
    var proxy: [Int]

    func run<Traffic: Work>(_ work: inout Traffic, _ ends: borrowing Ends) -> Measurement {
        let capacity = 512
        let events = UnsafeMutablePointer<cl_epoll_event>.allocate(capacity: capacity)
        defer { events.deallocate() }
        work.begin(ends)
        let start = cl_monotonic_ns()
        var measuredFrom = start + Int64(self.warmup * 1e9)
        var end = measuredFrom + Int64(self.seconds * 1e9)
        var before: Snapshot?
        while true {
            // Never asleep: waking another processor costs whoever sends, and that would be the proxy.
            let count = Int(cl_epoll_wait(ends.epoll, events, Int32(capacity), 0))
            for index in 0..<max(0, count) {
                let event = events[index]
                let fd = Int32(truncatingIfNeeded: event.data)
                switch event.data >> 32 {
                case Ends.Role.client.rawValue: work.client(fd, event.events, ends)
                case Ends.Role.backend.rawValue: work.backend(fd, event.events, ends)
                default: while let fd = ends.accept() { work.accepted(fd, ends) }
                }
            }
            let now = cl_monotonic_ns()
            work.tick(now: now, ends)
            if before == nil, now >= measuredFrom {
                work.measureFromHere()
                before = Snapshot(units: work.tally.units, proxy: self.proxy)
                measuredFrom = cl_monotonic_ns()
                end = measuredFrom + Int64(self.seconds * 1e9)
            }
            let enough = self.total.map { work.tally.units >= $0 || work.tally.failures > 0 } ?? false
            guard now >= end || enough else { continue }
            let first = before ?? Snapshot(units: 0, proxy: self.proxy)
            let last = Snapshot(units: work.tally.units, proxy: self.proxy)
            return Measurement(
                units: last.units - first.units, seconds: Double(cl_monotonic_ns() - measuredFrom) / 1e9,
                proxyCPU: last.proxyCPU - first.proxyCPU, ownCPU: last.ownCPU - first.ownCPU, failures: work.tally.failures,
                firstFailure: work.tally.firstFailure)
        }
    }

    private struct Snapshot {
        let units: Int
        let proxyCPU: Double
        let ownCPU: Double

        init(units: Int, proxy: [Int]) {
            self.units = units
            self.proxyCPU = proxy.reduce(0) { $0 + processorSeconds(of: $1) }
            self.ownCPU = processorSecondsOfThisProcess()
        }
    }
}
