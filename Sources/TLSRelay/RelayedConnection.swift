import CLinux
import Relay
import Routing

/// One connection from hand-over to the close of both sockets. Lives on one loop, whose thread is all that ever touches it.
///
/// ```
/// greeting ── authorise ── connecting ⟲ ── relaying ── closing ── closed
///    │            │             │             │
///    └────────────┴── refuse ───┴─────────────┘
/// ```
/// Guarantees: nothing is connected upstream before the caller is authorised; nothing of the client's is sent before the
/// upstream has proved itself, so a failed attempt loses nothing; `finish` is called once.
final class RelayedConnection {
    enum State {
        /// The client's handshake is under way.
        case greeting
        /// An attempt on an endpoint is under way.
        case connecting
        case relaying
        /// What became of the connection is decided; sockets are closing.
        case closing
        case closed
    }

    let loop: TLSLoop
    let reference: TLSLoop.Reference
    let request: TLSConnection
    var relay: TLSRelay { self.loop.relay }
    var options: TLSRelayOptions { self.loop.relay.options }
    var exchange: Exchange { self.loop.exchange }

    var state = State.greeting
    var client = Leg(.client)
    var upstream = Leg(.upstream)
    var outcome = TLSOutcome(verdict: .refused(.clientTLSFailed), ending: .refused)
    var lastActivity: Int64 = 0
    var attempts = Attempts()
    var isKeptAlive = false
    /// A side went away after its own end, with bytes for it left: how that ends, once the other has all there is for it.
    var cutShort: TLSOutcome.Ending?
    /// Who is calling, by all the names of its certificate that count in the mesh, once that is accepted.
    var caller: [String] = []
    /// Rules of a later configuration than the one the connection came with.
    var newerRules: CallerRules?

    init(_ request: TLSConnection, loop: TLSLoop, reference: TLSLoop.Reference) {
        self.request = request
        self.loop = loop
        self.reference = reference
    }

    func other(_ leg: Leg) -> Leg { leg.side == .client ? self.upstream : self.client }

    func setTimer(after time: Duration) { self.loop.setTimer(self.reference, deadline: self.deadline(after: time)) }

    /// A time that somebody set may be longer than the clock can count.
    func deadline(after time: Duration) -> Int64 { self.loop.now + min(time.nanoseconds, .max >> 1) }

    // MARK: Beginning

    func start() {
        self.client.fd = self.request.socket
        // What the client has sent is there already: the engine saw the hello.
        self.client.isReadable = true
        guard self.loop.watch(self.client.fd, self.reference, kind: TLSLoop.clientKind) else {
            self.refuseBeforeTLS(.overloaded, "the system watches no more sockets")
            self.stop()
            return
        }
        switch self.request.purpose {
        case .originate: self.connect()
        case .terminate(let mesh, _):
            guard let context = self.relay.credentials.serverContext(mesh: mesh) else {
                self.refuseBeforeTLS(.noIdentity, "this proxy has no certificate for mesh \(mesh) yet")
                return
            }
            self.client.tls = TLSSession(context, self.exchange)
            self.setTimer(after: self.options.handshakeTimeout)
            self.greet()
        }
    }

    /// An alert says more than a reset: the client learns that it is us, not the network.
    private func refuseBeforeTLS(_ reason: RefusalReason, _ detail: String) {
        // Fatal unrecognized_name, as for every refusal before TLS: nobody is served here under that name.
        let alert: [UInt8] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70]
        _ = alert.withUnsafeBytes { self.send($0, to: self.client) }
        self.refuse(reason, detail)
    }

    /// The client's handshake, as far as what it has sent allows.
    private func greet() {
        while self.state == .greeting {
            switch self.receive(from: self.client) {
            case .nothing: return
            case .ended: self.refuse(.clientTLSFailed, "the client closed the connection during the handshake")
            case .failed(let error): self.refuse(.clientTLSFailed, TLSFailure.words(errno: error))
            case .bytes:
                guard let tls = self.client.tls else { return }
                self.exchange.emptyOutput()
                let step = tls.handshake()
                _ = self.send(self.exchange.output, to: self.client)
                switch step {
                case .wait: break
                case .done:
                    self.client.kept = Array(self.exchange.unread)
                    self.authorise(tls)
                case .failed(let words):
                    let (reason, detail) = TLSFailure.client(words, tls.chainFailure)
                    self.refuse(reason, detail)
                }
            }
        }
    }

    /// Runs for full and resumed handshakes alike: a session vouches neither for the certificate nor for the permission.
    private func authorise(_ tls: TLSSession) {
        guard case .terminate(let mesh, let callers) = self.request.purpose else { return }
        self.loop.cancelTimer(self.reference)
        guard let peer = tls.peer else {
            let (reason, detail) = TLSFailure.client("", tls.chainFailure ?? ChainFailure(reason: "there is none", alert: 0))
            self.refuse(reason, detail)
            return
        }
        let ids = peer.spiffeIDs.filter { $0.hasPrefix("spiffe://\(mesh)/") }
        guard !ids.isEmpty else {
            self.refuse(.untrustedClient, "the client's certificate names no spiffe://\(mesh)/… identity")
            return
        }
        self.outcome.caller = ids.joined(separator: ",")
        self.caller = ids + peer.tagNames
        guard (self.newerRules ?? callers).permits(self.caller) else {
            self.refuse(.notPermitted, nil)
            return
        }
        self.connect()
    }

    /// The rules have changed since the connection was taken.
    func recheck(_ callers: CallerRules) {
        self.newerRules = callers
        switch self.state {
        case .greeting, .closing, .closed: break
        case .connecting: if !callers.permits(self.caller) { self.refuse(.notPermitted, nil) }
        case .relaying: if !callers.permits(self.caller) { self.end(.revoked, "its caller is no longer permitted") }
        }
    }

    // MARK: Events

    func event(_ kind: UInt64, _ events: UInt32) {
        guard kind == TLSLoop.clientKind || kind == self.attempts.winner else {
            self.raceEvent(kind, events)
            return
        }
        let leg = kind == TLSLoop.clientKind ? self.client : self.upstream
        guard leg.isOpen else { return }
        if events & (CL_EPOLLIN | CL_EPOLLRDHUP | CL_EPOLLHUP | CL_EPOLLERR) != 0 { leg.isReadable = true }
        if events & (CL_EPOLLRDHUP | CL_EPOLLHUP | CL_EPOLLERR) != 0 { leg.isHungUp = true }
        if events & (CL_EPOLLOUT | CL_EPOLLERR) != 0, !leg.unsent.isEmpty { self.sendRest(to: leg) }
        switch (self.state, leg.side) {
        case (.greeting, .client): self.greet()
        case (.connecting, .client):
            if events & (CL_EPOLLERR | CL_EPOLLHUP) != 0 {
                self.end(.clientReset, "the client closed the connection before it was connected")
            }
        case (.connecting, .upstream): self.secure()
        case (.relaying, _):
            self.lastActivity = self.loop.now
            let moved = leg.bytes
            // First what came before a reset.
            self.goOn()
            if events & CL_EPOLLIN != 0, leg.bytes == moved { self.muteIfStuck(leg) }
            // A reset is heard even while the other side's slowness keeps us from receiving.
            if events & CL_EPOLLERR != 0, self.state == .relaying, leg.isOpen, case let error = cl_socket_error(leg.fd), error != 0 {
                self.failed(leg, TLSFailure.words(errno: error), isTLS: false)
            }
        case (.closing, _): self.linger(leg)
        case (.greeting, .upstream), (.closed, _): break
        }
    }

    func timeIsUp() {
        switch self.state {
        case .greeting: self.refuse(.clientTLSFailed, "the TLS handshake took too long")
        case .connecting: self.attemptTimeIsUp()
        case .relaying: self.checkIdleness()
        case .closing:
            self.close(self.client)
            self.close(self.upstream)
            self.finishIfClosed()
        case .closed: break
        }
    }
}
