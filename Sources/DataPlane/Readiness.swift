import Synchronization

/// What `/ready` answers. Goes one way: waiting, ready, terminating.
final class Readiness: Sendable {
    enum State: String, Sendable {
        case waiting = "WAITING"
        case ready = "READY"
        case terminating = "TERMINATING"
    }

    private let current = Mutex(State.waiting)

    var state: State { self.current.withLock { $0 } }

    func firstSnapshotApplied() { self.current.withLock { if $0 == .waiting { $0 = .ready } } }

    func terminate() { self.current.withLock { $0 = .terminating } }
}
