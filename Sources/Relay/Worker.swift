import CLinux
import ClientHello
import FoundationEssentials
import Glibc
import NameResolution
import Routing

/// What a worker is given for its life.
struct WorkerEnvironment: Sendable {
    let number: Int
    let options: RelayOptions
    let handoff: any ConnectionHandoff
    let records: any ConnectionRecordSink
    let resolver: any NameResolver
    let memory: MemoryGuard
    let descriptors: DescriptorLimits
    let mailbox: Mailbox
    let counters: WorkerCounters
    let open: OpenConnections
    let retired: RetiredTables
}

/// One thread's loop: its listeners, its connections, its timers. Nothing in it is shared, so nothing is locked.
///
/// A connection goes through the states of `Connection.State`; the steps are in the extensions, one file each: Accept,
/// Hello, Connect, Relay, Handoff, Refuse, Close, Messages. Sockets are polled edge-triggered and are added to the epoll
/// set once, so that a relayed connection costs no `epoll_ctl` after its start.
struct Worker: ~Copyable {
    /// The kinds of things in the epoll set, in the top bits of epoll's data: kind 2, generation 30, index 32.
    enum Polled: UInt64 {
        case client, upstream
        /// A listener's position, or -1 for the mailbox.
        case listener
        /// An attempt on a further address; the index is the race's and, in the lowest three bits, the runner's.
        case racer
    }

    /// A table as this worker serves it.
    struct Table {
        let live: LiveTable
        /// The live table's, here to be reached without counting references.
        let upstreams: UnsafePointer<Unmanaged<UpstreamCluster>>
        let listeners: UnsafePointer<LiveListener>
        /// Connections decided by it, and one for being current.
        var references: Int
    }

    struct Socket {
        let key: ListenerKey
        var fd: Int32
        /// Position in the current table's listeners.
        var listener: Int32
    }

    /// This worker's copy of what the resolver said last.
    struct ResolvedHost {
        var addresses: [IPEndpoint] = []
        var order = AddressOrder([])
        var problem: String?
        var validUntil: Int64 = .min
        var isAsked = false
        var waiting: [Reference] = []

        mutating func adopt(_ answer: ResolvedName, now: Int64) {
            self.addresses = answer.addresses
            self.order = AddressOrder(answer.addresses)
            self.problem = answer.problem
            self.validUntil = now + answer.validFor.nanoseconds
        }
    }

    /// A connection that may be gone by the time it is looked for.
    struct Reference {
        var index: Int32
        var generation: UInt32
    }

    static let eventsPerTurn = 256

    let environment: WorkerEnvironment
    let counters: WorkerCounters
    let limits: Limits
    let epoll: Int32
    let events: UnsafeMutablePointer<cl_epoll_event>
    /// For peeks, receives and whatever else needs bytes for a moment.
    let scratch: UnsafeMutableRawBufferPointer
    /// What was received in this turn and not sent yet.
    var turn = TurnBuffer()
    var now: Int64
    /// Which turn of the loop this is.
    var turnNumber: UInt32 = 1
    var generator = FastGenerator()

    var slab = ConnectionSlab()
    var timers: TimerWheel
    var pipes = PipePool()
    var idleSockets = IdleSockets()
    var chunks = ChunkPool()
    var names = NamePool()
    var parser: ClientHelloParser

    var tables: [Table?] = []
    var current: Int32 = -1
    var races: [Race] = []
    var freeRaces: [Int32] = []
    var sockets: [Socket?] = []
    /// By slot: the destination that a client's PROXY protocol header named.
    var announced: [Int32: IPEndpoint] = [:]
    var hosts: [String: ResolvedHost] = [:]

    /// Connections with work left after their share of a turn.
    var queued: [Reference] = []
    /// Those of the turn before, being worked off.
    private var continued: [Reference] = []
    var serial: UInt64 = 0
    var limiter: RefusalLimiter
    var onEmpty: [@Sendable () -> Void] = []
    /// Closed and reopened to take and shed a connection when descriptors run out.
    var spareFD: Int32
    /// Set while the listeners rest because nothing can be taken or refused.
    var acceptPauseEnd: Int64?
    /// Set while stopping: when to give up waiting for handed-off connections.
    var stopDeadline: Int64?

    /// The options in the loop's units.
    struct Limits {
        let hello, connect, idle, linger: Int64
        /// When a new connection is looked at first, and gets what only long-lived ones need: keepalive, before it is due.
        let firstCheck: Int64
        /// Between two looks at the peers of a connection.
        let peerLook: Int64
        let peerMilliseconds: UInt32
        let maxHelloBytes, connectAttempts: Int

        init(_ options: RelayOptions) {
            self.hello = options.helloTimeout.nanoseconds
            self.connect = options.connectTimeout.nanoseconds
            self.idle = options.idleTimeout.nanoseconds
            self.linger = options.lingerTimeout.nanoseconds
            self.peerLook = PeerWatch.interval(options.peerTimeout)
            self.peerMilliseconds = UInt32(clamping: options.peerTimeout.nanoseconds / 1_000_000)
            self.firstCheck = min(15_000_000_000, options.keepAliveInterval.nanoseconds, self.idle, self.peerLook)
            self.maxHelloBytes = options.maxHelloBytes
            self.connectAttempts = min(options.connectAttempts, Tried.capacity)
        }
    }

    /// - parameter epoll: Owned by the worker from here on.
    init(_ environment: WorkerEnvironment, epoll: Int32) {
        self.environment = environment
        self.counters = environment.counters
        self.limits = Limits(environment.options)
        self.epoll = epoll
        self.events = .allocate(capacity: Self.eventsPerTurn)
        self.scratch = .allocate(byteCount: max(environment.options.maxHelloBytes, ChunkPool.chunkSize), alignment: 64)
        self.now = cl_monotonic_ns()
        self.timers = TimerWheel(now: self.now)
        self.parser = ClientHelloParser(maxBytes: environment.options.maxHelloBytes)
        self.limiter = RefusalLimiter(limit: environment.options.refusalRecordsPerReason)
        self.spareFD = cl_open_spare()
        _ = cl_epoll_add(epoll, environment.mailbox.wakeup, CL_EPOLLIN, Self.tag(.listener, -1, 0))
    }

    deinit {
        self.events.deallocate()
        self.scratch.deallocate()
        _ = cl_close(self.epoll)
        if self.spareFD >= 0 { _ = cl_close(self.spareFD) }
    }

    static func tag(_ kind: Polled, _ index: Int32, _ generation: UInt32) -> UInt64 {
        kind.rawValue << 62 | UInt64(generation) << 32 | UInt64(UInt32(bitPattern: index))
    }

    /// Serves until told to stop.
    mutating func run() {
        while true {
            let timeout = self.queued.isEmpty ? self.timeout : 0
            let count = cl_epoll_wait(self.epoll, self.events, Int32(Self.eventsPerTurn), timeout)
            self.now = cl_monotonic_ns()
            self.turnNumber &+= 1
            var hasMail = false
            if count > 0 {
                self.turn.begin(events: Int(count))
                for position in 0..<Int(count) {
                    let event = self.events[position]
                    if self.dispatch(event.events, event.data) { hasMail = true }
                }
                self.sendTurn()
            }
            self.continueQueued()
            while let index = self.timers.popExpired(now: self.now) { self.deadlinePassed(self.slab[index]) }
            // After the events: a message may free what an event of the same turn speaks of.
            if hasMail { self.readMail() }
            if self.slab.count == 0 && !self.onEmpty.isEmpty { self.reportEmpty() }
            if let end = self.acceptPauseEnd, self.now >= end { self.resumeAccepting() }
            if let deadline = self.stopDeadline, self.slab.count == 0 || self.now >= deadline { break }
        }
        self.end()
    }

    /// How long to sleep at most, in milliseconds; -1: for ever.
    private var timeout: Int32 {
        let timeout = self.timers.timeout(now: self.now)
        guard self.stopDeadline != nil || self.acceptPauseEnd != nil else { return timeout }
        // The deadline of stopping is no timer's, and the end of a pause neither.
        return timeout < 0 ? 50 : min(timeout, 50)
    }

    /// True for the mailbox, which is read after all events.
    private mutating func dispatch(_ events: UInt32, _ data: UInt64) -> Bool {
        let index = Int(UInt32(truncatingIfNeeded: data))
        let generation = UInt32(truncatingIfNeeded: data >> 32) & 0x3FFF_FFFF
        switch Polled(rawValue: data >> 62) {
        case .client:
            if let slot = self.slab.slot(index, generation: generation) { self.clientEvent(slot, events) }
        case .upstream:
            if let slot = self.slab.slot(index, generation: generation) { self.upstreamEvent(slot, events) }
        case .listener:
            if index == Int(UInt32.max) { return true }
            self.acceptAll(index)
        case .racer: self.racerEvent(index, generation, events)
        case nil: break
        }
        return false
    }

    private mutating func clientEvent(_ slot: Slot, _ events: UInt32) {
        let failed = events & (CL_EPOLLERR | CL_EPOLLHUP) != 0
        let hungUp = failed || events & CL_EPOLLRDHUP != 0
        if hungUp { slot.pointee.flags.insert(.clientHungUp) }
        switch slot.pointee.state {
        case .readingProxyHeader:
            if hungUp || events & CL_EPOLLIN != 0 { self.readProxyHeader(slot) }
        case .readingHello:
            // Room to write is no news here.
            if hungUp || events & CL_EPOLLIN != 0 { self.readHello(slot) }
        case .resolving, .connecting:
            if failed { self.clientGoneEarly(slot) }
        case .relaying: self.relay(slot, clientEvents: events, upstreamEvents: 0)
        case .closing: self.discardInput(slot)
        case .free, .handedOff: break
        }
    }

    private mutating func upstreamEvent(_ slot: Slot, _ events: UInt32) {
        switch slot.pointee.state {
        case .connecting: self.connectEvent(slot, events)
        case .relaying: self.relay(slot, clientEvents: 0, upstreamEvents: events)
        case .closing, .free, .readingProxyHeader, .readingHello, .resolving, .handedOff: break
        }
    }

    private mutating func continueQueued() {
        guard !self.queued.isEmpty else { return }
        // Whoever has more to do after this queues for the next turn.
        swap(&self.continued, &self.queued)
        for position in self.continued.indices {
            let reference = self.continued[position]
            guard let slot = self.slab.slot(Int(reference.index), generation: reference.generation) else { continue }
            slot.pointee.flags.remove(.queued)
            if slot.pointee.state == .relaying { self.relay(slot, clientEvents: 0, upstreamEvents: 0) }
        }
        self.continued.removeAll(keepingCapacity: true)
    }

    mutating func queue(_ slot: Slot) {
        guard !slot.pointee.flags.contains(.queued) else { return }
        slot.pointee.flags.insert(.queued)
        self.queued.append(Reference(index: slot.pointee.index, generation: slot.pointee.generation))
    }

    /// A leftover's time stays as it was drawn.
    mutating func setDeadline(_ slot: Slot, after delay: Int64) {
        if slot.pointee.flags.contains(.leftover) { return }
        self.timers.set(Int(slot.pointee.index), deadline: self.now.addingReportingOverflow(delay).overflow ? .max >> 1 : self.now + delay)
    }

    private mutating func deadlinePassed(_ slot: Slot) {
        if slot.pointee.flags.contains(.leftover) {
            slot.pointee.flags.remove(.leftover)
            self.closeLeftover(slot)
            return
        }
        switch slot.pointee.state {
        case .readingProxyHeader: self.refuse(slot, .helloTimeout)
        case .readingHello: self.refuseOrPass(slot, .helloTimeout)
        case .resolving: self.refuse(slot, .nameNotResolved)
        case .connecting: self.connectDeadlinePassed(slot)
        case .relaying: self.checkIdle(slot)
        case .closing: self.release(slot)
        case .free, .handedOff: break
        }
    }

    private mutating func reportEmpty() {
        let waiting = self.onEmpty
        self.onEmpty = []
        for report in waiting { report() }
    }
}
