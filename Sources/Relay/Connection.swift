import Routing

/// One client connection in a worker's slab: plain bytes, no references, so that the loop neither allocates nor counts
/// references for it. Whatever has a name lives in tables and is reached by position.
struct Connection {
    enum State: UInt8 {
        /// The slot is free.
        case free
        /// → readingHello, resolving, connecting, handedOff, closing
        case readingProxyHeader
        /// → resolving, connecting, handedOff, closing
        case readingHello
        /// Waiting for a name. → connecting, closing
        case resolving
        /// → relaying, resolving, closing
        case connecting
        /// → closing, free
        case relaying
        /// The socket is with the TLS side. → free
        case handedOff
        /// Nothing more to say; taking in what the client still sends, so that the kernel doesn't turn our last words into
        /// a reset. → free
        case closing
    }

    struct Flags: OptionSet {
        var rawValue: UInt16
        /// The client socket is in the epoll set.
        static let clientPolled = Self(rawValue: 1)
        /// SO_RCVLOWAT is not 1.
        static let lowWaterRaised = Self(rawValue: 2)
        static let clientHungUp = Self(rawValue: 4)
        static let keepAlive = Self(rawValue: 8)
        /// In the list of those with work left.
        static let queued = Self(rawValue: 16)
        /// The record is written.
        static let recorded = Self(rawValue: 32)
        /// To be closed at its deadline, because the drain's time is over.
        static let leftover = Self(rawValue: 64)
        /// The upstream can't be written to any more; what it said before is still passed on.
        static let upstreamBroken = Self(rawValue: 128)
        static let clientBroken = Self(rawValue: 256)
        /// Counts at its endpoint.
        static let placed = Self(rawValue: 512)
        /// To be reset as soon as the kernel has sent what it holds.
        static let resetting = Self(rawValue: 1024)
        /// The epoll set tells of room to write to the client.
        static let clientRoomPolled = Self(rawValue: 2048)
        /// In the list of those with bytes received in this turn and not sent yet.
        static let unsent = Self(rawValue: 4096)
        /// Decides whether its endpoint comes back.
        static let probing = Self(rawValue: 8192)
        /// Counts in its cluster.
        static let inCluster = Self(rawValue: 16384)
        /// Counts among the proxy's open connections.
        static let counted = Self(rawValue: 32768)
    }

    let index: Int32
    /// Changes with each use of the slot, so that late events and messages find nobody.
    var generation: UInt32
    var state = State.free
    var attempts: UInt8 = 0
    var flags: Flags = []
    var nextFree: Int32 = -1

    var id: UInt64 = 0
    /// Monotonic nanoseconds, as all times here.
    var openedAt: Int64 = 0
    var connectStartedAt: Int64 = 0
    var connectedAt: Int64 = 0
    /// While connecting: when the attempts on the endpoint began.
    var lastActivity: Int64 = 0
    var client = IPEndpoint()
    var clientFD: Int32 = -1
    var upstreamFD: Int32 = -1
    /// The upstream socket's, 0 where it isn't known: the winner of a race.
    var upstreamFamily: Int32 = 0

    /// The server name, in memory of its own, for the record.
    var name: UnsafeMutablePointer<UInt8>?
    var nameLength: UInt8 = 0
    /// How many of the endpoint's addresses were tried.
    var addressIndex: UInt8 = 0
    /// Why the last attempt failed, to refuse with when there is no other.
    var lastFailure: UInt8 = .max
    /// The error number of the last failed attempt, for the record; or what was wrong with the PROXY protocol header.
    var lastError: Int32 = 0

    /// Positions: the worker's table, the table's listener, its route, the table's cluster, the cluster's place.
    var table: Int32 = -1
    var listener: Int32 = -1
    var route: Int32 = -1
    var cluster: Int32 = -1
    var place: Int32 = -1
    var tried = Tried()
    /// Attempts on the endpoint's further addresses, -1: none.
    var race: Int32 = -1

    /// Client to upstream.
    var forward = Direction()
    /// Upstream to client.
    var backward = Direction()

    init(index: Int32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }
}

/// One way of a relayed connection. Bytes are in at most one place between the sockets: `held` or the pipe.
struct Direction {
    struct Flags: OptionSet {
        var rawValue: UInt16
        /// The source may have bytes. Edge-triggered: stays until a read says otherwise.
        static let readable = Self(rawValue: 1)
        /// The destination may have room.
        static let writable = Self(rawValue: 2)
        /// The source's side is shut: read on until the end shows.
        static let hungUp = Self(rawValue: 4)
        /// Everything was read.
        static let ended = Self(rawValue: 8)
        /// Everything was passed on, the end included; or the destination is broken.
        static let done = Self(rawValue: 16)
        /// Much is in flight: move pages instead of copying.
        static let bulk = Self(rawValue: 32)
        /// It ended by an error: the destination learns that by a reset, after the bytes before it.
        static let failed = Self(rawValue: 64)
        /// A write told that the source's socket is reset, and took that error with it: the end that a read shows now is none.
        static let cutOff = Self(rawValue: 128)
        /// The source's end (FIN) has arrived, perhaps behind unread bytes.
        static let announced = Self(rawValue: 256)
        /// The destination still holds small writes back while others are under way (Nagle's algorithm). The first goes out
        /// at once even so, and many a connection has only that one.
        static let nagle = Self(rawValue: 512)
        /// `held` is in the worker's turn buffer: it is sent or moved to a chunk before the turn is over.
        static let borrowed = Self(rawValue: 1024)
        /// The destination wants a PROXY protocol header before everything else.
        static let announcesClient = Self(rawValue: 2048)
        /// The destination's window is closed, and its user timeout taken back: see `PeerWatch`.
        static let spared = Self(rawValue: 4096)
        /// When it was looked at last, the destination had acknowledged everything.
        static let settled = Self(rawValue: 8192)
    }

    var flags: Flags = []
    /// Where in `held` the bytes begin and end.
    var heldStart: UInt16 = 0
    var heldEnd: UInt16 = 0
    /// Position in the worker's pipes, -1: none.
    var pipe: Int32 = -1
    var pipeBytes: Int32 = 0
    /// What the destination had no room for, in a chunk of the worker's pool; or what the turn has yet to send (`borrowed`).
    var held: UnsafeMutableRawPointer?
    /// The turn whose read found the source's socket empty behind it.
    var emptiedIn: UInt32 = 0
    var moved: UInt64 = 0
}
