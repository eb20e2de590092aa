import CLinux
import NameResolution
import Relay
import Routing
import Synchronization

/// A thread with its epoll set. The connections given to it live and die on it, so that nothing of theirs needs a lock.
///
/// Sockets are watched edge-triggered in both directions from their first moment to their last: one system call each, but for those
/// whose other side is slow.
///
/// Sendable because other threads only `post`; everything else belongs to the thread of `run`.
final class TLSLoop: @unchecked Sendable {
    enum Message: Sendable {
        case take(TLSConnection)
        case close(UInt64)
        case recheck(UInt64, CallerRules)
        case resolved(Reference, attempt: Int, ResolvedName)
        case stop
    }

    /// Names a connection on its loop, also after it is gone.
    struct Reference: Hashable, Sendable {
        var index: UInt32
        var generation: UInt32
    }

    private struct Slot {
        var connection: RelayedConnection?
        var generation: UInt32 = 0
    }

    private struct Post {
        var messages: [Message] = []
        var isOver = false
    }

    private static let wakeTag = UInt64.max
    private static let batch = 256
    /// Which socket of a connection, in the tag's lowest byte; upstream sockets are numbered from 1.
    static let clientKind: UInt64 = 0

    private let post = Mutex(Post())
    private let wakeup: Int32
    private let epoll: Int32
    let relay: TLSRelay
    let exchange = Exchange()
    private(set) var now = cl_monotonic_ns()
    private var slots: [Slot] = []
    private var free: [UInt32] = []
    private var indices: [UInt64: UInt32] = [:]
    private var timers = TimerWheel(now: cl_monotonic_ns())
    /// Have more to do, but others come first.
    private var waiting: [RelayedConnection] = []
    private var isStopping = false

    /// - Throws: `RelayError` where the machine refuses descriptors.
    init(_ relay: TLSRelay) throws {
        self.relay = relay
        self.wakeup = cl_eventfd()
        self.epoll = cl_epoll_create()
        guard self.wakeup >= 0, self.epoll >= 0 else { throw RelayError(what: "make an epoll set", status: min(self.wakeup, self.epoll)) }
        _ = cl_epoll_add(self.epoll, self.wakeup, CL_EPOLLIN, Self.wakeTag)
    }

    deinit {
        _ = cl_close(self.wakeup)
        _ = cl_close(self.epoll)
    }

    /// From any thread. False when the loop has ended.
    @discardableResult
    func post(_ message: Message) -> Bool {
        let (wasEmpty, isOver) = self.post.withLock { post in
            guard !post.isOver else { return (false, true) }
            post.messages.append(message)
            return (post.messages.count == 1, false)
        }
        if wasEmpty { cl_eventfd_signal(self.wakeup) }
        return !isOver
    }

    // MARK: The loop

    func run() {
        let events = UnsafeMutablePointer<cl_epoll_event>.allocate(capacity: Self.batch)
        defer { events.deallocate() }
        while !self.isStopping || !self.indices.isEmpty {
            let timeout = self.waiting.isEmpty ? self.timers.timeout(now: cl_monotonic_ns()) : 0
            let count = cl_epoll_wait(self.epoll, events, Int32(Self.batch), timeout)
            self.now = cl_monotonic_ns()
            for index in 0..<max(0, Int(count)) { self.dispatch(events[index]) }
            if !self.waiting.isEmpty {
                let waiting = self.waiting
                self.waiting.removeAll(keepingCapacity: true)
                for connection in waiting { connection.goOn() }
            }
            while let index = self.timers.popExpired(now: self.now) { self.slots[index].connection?.timeIsUp() }
        }
        self.post.withLock { $0.isOver = true }
        // Whoever posted in the last moment.
        self.readMessages()
    }

    private func dispatch(_ event: cl_epoll_event) {
        guard event.data != Self.wakeTag else {
            cl_eventfd_clear(self.wakeup)
            self.readMessages()
            return
        }
        let reference = Reference(index: UInt32(event.data >> 8 & 0xff_ffff), generation: UInt32(event.data >> 32))
        self[reference]?.event(event.data & 0xff, event.events)
    }

    private func readMessages() {
        let messages = self.post.withLock { post in
            let messages = post.messages
            post.messages = []
            return messages
        }
        for message in messages {
            switch message {
            case .take(let connection): self.begin(connection)
            case .close(let id):
                if let index = self.indices[id] { self.slots[Int(index)].connection?.end(.closed, nil) }
            case .recheck(let id, let callers):
                if let index = self.indices[id] { self.slots[Int(index)].connection?.recheck(callers) }
            case .resolved(let reference, let attempt, let name): self[reference]?.resolved(name, attempt: attempt)
            case .stop:
                self.isStopping = true
                for index in self.indices.values { self.slots[Int(index)].connection?.stop() }
            }
        }
    }

    private func begin(_ request: TLSConnection) {
        if self.free.isEmpty {
            self.free.append(UInt32(self.slots.count))
            self.slots.append(Slot())
        }
        let index = self.free.removeLast()
        let reference = Reference(index: index, generation: self.slots[Int(index)].generation)
        let connection = RelayedConnection(request, loop: self, reference: reference)
        self.slots[Int(index)].connection = connection
        self.indices[request.id] = index
        connection.start()
        if self.isStopping { connection.stop() }
    }

    // MARK: For connections

    private subscript(reference: Reference) -> RelayedConnection? {
        let slot = self.slots[Int(reference.index)]
        return slot.generation == reference.generation ? slot.connection : nil
    }

    /// The connection is over: its slot may go to another.
    func release(_ connection: RelayedConnection) {
        let index = Int(connection.reference.index)
        self.timers.cancel(index)
        self.slots[index].connection = nil
        self.slots[index].generation &+= 1
        self.indices[connection.request.id] = nil
        self.free.append(connection.reference.index)
    }

    /// False where the system watches no more.
    func watch(_ fd: Int32, _ reference: Reference, kind: UInt64) -> Bool {
        cl_epoll_add(self.epoll, fd, Self.interest | CL_EPOLLIN, Self.tag(reference, kind)) == 0
    }

    /// Without `hearsBytes` only room, ends and errors are told. Bytes that are there when they are asked for again are told at once.
    func watchAgain(_ fd: Int32, _ reference: Reference, kind: UInt64, hearsBytes: Bool) -> Bool {
        cl_epoll_modify(self.epoll, fd, hearsBytes ? Self.interest | CL_EPOLLIN : Self.interest, Self.tag(reference, kind)) == 0
    }

    private static var interest: UInt32 { CL_EPOLLOUT | CL_EPOLLRDHUP | CL_EPOLLET }
    private static func tag(_ reference: Reference, _ kind: UInt64) -> UInt64 {
        UInt64(reference.generation) << 32 | UInt64(reference.index) << 8 | kind
    }

    /// One deadline per connection; a new one replaces the one before.
    func setTimer(_ reference: Reference, deadline: Int64) { self.timers.set(Int(reference.index), deadline: deadline) }

    func cancelTimer(_ reference: Reference) { self.timers.cancel(Int(reference.index)) }

    func goOnLater(_ connection: RelayedConnection) { self.waiting.append(connection) }
}
