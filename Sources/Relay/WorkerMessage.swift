import CLinux
import NameResolution
import Routing
import Synchronization

/// A configuration as workers serve it. Shared by all of them, never changed.
final class LiveTable: Sendable {
    let snapshot: ConfigSnapshot
    let compiled: CompiledConfig
    /// Positions of the bound listeners in `compiled.listeners`.
    let bound: [ListenerKey: Int]
    /// Of `compiled.clusters`.
    let upstreams: [UpstreamCluster]
    /// The same. `upstreams` keeps alive what they point to.
    nonisolated(unsafe) let upstreamPointers: UnsafePointer<Unmanaged<UpstreamCluster>>

    /// Of `compiled.listeners`.
    nonisolated(unsafe) let listeners: UnsafePointer<LiveListener>

    init(snapshot: ConfigSnapshot, compiled: CompiledConfig, bound: [ListenerKey: Int], upstreams: [UpstreamCluster]) {
        self.snapshot = snapshot
        self.compiled = compiled
        self.bound = bound
        self.upstreams = upstreams
        let pointers = UnsafeMutablePointer<Unmanaged<UpstreamCluster>>.allocate(capacity: max(1, upstreams.count))
        for (index, upstream) in upstreams.enumerated() { (pointers + index).initialize(to: .passUnretained(upstream)) }
        self.upstreamPointers = UnsafePointer(pointers)
        self.listeners = LiveListener.make(compiled.listeners)
    }

    deinit {
        self.upstreamPointers.deallocate()
        LiveListener.free(self.listeners, count: self.compiled.listeners.count)
    }
}

/// What other threads ask of a worker.
enum WorkerMessage: Sendable {
    /// Serve this table. `sockets` are new listeners, this worker's own socket each; those no longer in the table are closed.
    case adopt(LiveTable, sockets: [ListenerKey: Int32], done: @Sendable () -> Void)
    case handoffFinished(index: Int, generation: UInt32, HandoffOutcome)
    case resolved(String, ResolvedName)
    case inspectConnections(@Sendable ([OpenConnection]) -> Void)
    /// Let handshakes under way complete, and begin no new ones.
    case ignoreNewConnections(done: @Sendable () -> Void)
    /// Take what is queued on the listeners, then close them.
    case stopAccepting(done: @Sendable () -> Void)
    /// Call back when no connection is left.
    case whenEmpty(@Sendable () -> Void)
    /// Close what is left, spread evenly at random over this time.
    case closeLeftovers(spread: Duration)
    /// Close everything and end the thread.
    case stop
}

/// A worker's mailbox: posting wakes its loop.
final class Mailbox: Sendable {
    private struct State {
        var messages: [WorkerMessage] = []
        var isClosed = false
    }

    let wakeup: Int32
    private let state = Mutex(State())

    init() throws(RelayError) {
        let fd = cl_eventfd()
        guard fd >= 0 else { throw RelayError(what: "make an event descriptor", status: fd) }
        self.wakeup = fd
    }

    deinit { _ = cl_close(self.wakeup) }

    /// False when the worker has ended: the message goes nowhere.
    @discardableResult
    func post(_ message: WorkerMessage) -> Bool {
        let (accepted, wasEmpty) = self.state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            state.messages.append(message)
            return (true, state.messages.count == 1)
        }
        if wasEmpty { cl_eventfd_signal(self.wakeup) }
        return accepted
    }

    func takeAll() -> [WorkerMessage] {
        cl_eventfd_clear(self.wakeup)
        return self.state.withLock {
            let messages = $0.messages
            $0.messages = []
            return messages
        }
    }

    /// No further messages; those that are there come back.
    func close() -> [WorkerMessage] {
        self.state.withLock {
            $0.isClosed = true
            let messages = $0.messages
            $0.messages = []
            return messages
        }
    }
}

/// The machine refuses what the engine can't do without.
package struct RelayError: Error, CustomStringConvertible {
    let what: String
    let status: Int32

    package init(what: String, status: Int32) {
        self.what = what
        self.status = status
    }

    package var description: String { "Can't \(self.what): \(SystemError.text(-self.status))." }
}
