import NIOCore
import NIOPosix
import NIOSSL
import Routing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// One connection from hand-over to the close of both sockets. Lives on one event loop, which is all that ever touches it.
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

    /// One socket as the connection sees it.
    struct Leg {
        /// Nil before it is there and after it is closed.
        var channel: (any Channel)?
        var handler: SideHandler?
        var tls: NIOSSLHandler?
        /// Received before there was another side to send it to.
        var pending: [ByteBuffer] = []
        /// Reading stopped because the other side cannot take more.
        var isHeld = false
        /// Nothing more will come from it.
        var inputEnded = false
        /// Nothing more will be sent to it: the last bytes are on their way.
        var outputEnded = false
        /// The last bytes have left (or never will).
        var outputDone = false
        /// Plaintext bytes received from it.
        var bytes: UInt64 = 0
    }

    let loop: any EventLoop
    let request: TLSConnection
    let relay: TLSRelay
    var options: TLSRelayOptions { self.relay.options }

    var state = State.greeting
    var client = Leg()
    var upstream = Leg()
    var outcome = TLSOutcome(verdict: .refused(.clientTLSFailed), ending: .refused)
    var timer: Scheduled<Void>?
    /// Who is calling, once its certificate is accepted.
    var callerIDs: [String] = []
    /// Rules of a later configuration than the one the connection came with.
    var newerRules: CallerRules?

    // Attempts.
    var tried = Tried()
    var attempts = 0
    var claim: Balancers.Claim?
    var lastFailure: (reason: RefusalReason, detail: String)?
    var connectStart: NIODeadline?
    var lastActivity = NIODeadline.now()

    init(_ request: TLSConnection, relay: TLSRelay, loop: any EventLoop) {
        self.request = request
        self.relay = relay
        self.loop = loop
    }

    subscript(side: Side) -> Leg {
        get { side == .client ? self.client : self.upstream }
        set { if side == .client { self.client = newValue } else { self.upstream = newValue } }
    }

    // MARK: Beginning

    func start() {
        self.relay.register(self)
        var context: NIOSSLContext?
        if case .terminate(let mesh, _) = self.request.purpose {
            context = self.relay.credentials.serverContext(mesh: mesh)
            if context == nil {
                self.outcome.detail = "this proxy has no certificate for mesh \(mesh) yet"
                self.refuseBeforeTLS(.noIdentity)
                return
            }
        }
        let bound = NIOLoopBound((self, context), eventLoop: self.loop)
        self.adoptSocket { channel in
            let (connection, context) = bound.value
            let handler = SideHandler(.client)
            handler.attach(connection)
            connection.client.channel = channel
            connection.client.handler = handler
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(LingeringClose())
            if let context {
                let tls = NIOSSLServerHandler(context: context)
                connection.client.tls = tls
                try pipeline.addHandler(tls)
            }
            try pipeline.addHandler(handler)
        }
    }

    /// An alert says more than a reset: the client learns that it is us, not the network.
    private func refuseBeforeTLS(_ reason: RefusalReason) {
        self.outcome.verdict = .refused(reason)
        self.state = .closing
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        self.adoptSocket { channel in
            let connection = bound.value
            let handler = SideHandler(.client)
            handler.attach(connection)
            connection.client.channel = channel
            connection.client.handler = handler
            try channel.pipeline.syncOperations.addHandlers([LingeringClose(), handler])
        }
    }

    private func adoptSocket(_ initialize: @escaping @Sendable (any Channel) throws -> Void) {
        let adopted = ClientBootstrap(group: self.loop)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try initialize(channel) } }
            .withConnectedSocket(self.request.socket)
        adopted.assumeIsolated().whenFailure { error in
            // The client is gone already, or the process has no descriptors left.
            self.outcome.detail = TLSFailure.words(error)
            self.outcome.ending = .clientReset
            self.state = .closing
            self.client.channel = nil
            self.finishIfClosed()
        }
    }

    func opened(_ side: Side) {
        switch (side, self.state) {
        case (.client, .greeting):
            if case .originate = self.request.purpose {
                self.connectNext()
            } else {
                self.startTimer(self.options.handshakeTimeout) { $0.refuse(.clientTLSFailed, "the TLS handshake took too long") }
                self.client.channel?.read()
            }
        case (.client, .closing):
            // Fatal unrecognized_name, as for every refusal before TLS: nobody is served here under that name.
            let alert = ByteBuffer(bytes: [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70])
            self.client.channel?.writeAndFlush(alert, promise: nil)
            self.client.channel?.close(promise: nil)
        case (.client, .closed):
            // Told to end before the socket was ours.
            self.client.channel?.close(promise: nil)
        default: break
        }
    }

    func handshakeCompleted(_ side: Side) {
        switch (side, self.state) {
        case (.client, .greeting): self.authorise()
        case (.upstream, .connecting): self.verifyUpstream()
        default: break
        }
    }

    /// Runs for full and resumed handshakes alike: a session vouches for the certificate, never for the permission.
    private func authorise() {
        guard case .terminate(let mesh, let callers) = self.request.purpose else { return }
        self.timer?.cancel()
        guard let certificate = self.client.tls?.peerCertificate else {
            self.refuse(.noClientCertificate, "the client sent no certificate")
            return
        }
        guard certificate.isValid(at: secondsSince1970()) else {
            self.refuse(.untrustedClient, "the client's certificate has expired")
            return
        }
        let ids = certificate.spiffeIDs.filter { $0.hasPrefix("spiffe://\(mesh)/") }
        guard !ids.isEmpty else {
            self.refuse(.untrustedClient, "the client's certificate names no spiffe://\(mesh)/… identity")
            return
        }
        self.outcome.caller = ids.joined(separator: ",")
        self.callerIDs = ids
        guard (self.newerRules ?? callers).permits(ids) else {
            self.refuse(.notPermitted, nil)
            return
        }
        self.connectNext()
    }

    /// The rules have changed since the connection was taken.
    func recheck(_ callers: CallerRules) {
        self.newerRules = callers
        switch self.state {
        case .greeting, .closing, .closed: break
        case .connecting: if !callers.permits(self.callerIDs) { self.refuse(.notPermitted, nil) }
        case .relaying: if !callers.permits(self.callerIDs) { self.end(.revoked, "its caller is no longer permitted") }
        }
    }

    // MARK: Ending

    func startTimer(_ time: Duration, _ expired: @escaping (RelayedConnection) -> Void) {
        self.timer?.cancel()
        self.timer = self.loop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { expired(self) }
    }

    /// Decides that the connection is refused and closes it: close_notify where TLS is up, an alert where it is not.
    func refuse(_ reason: RefusalReason, _ detail: String?) {
        guard self.state != .closing, self.state != .closed else { return }
        self.outcome.verdict = .refused(reason)
        self.end(.refused, detail)
    }

    func end(_ ending: TLSOutcome.Ending, _ detail: String?) {
        guard self.state != .closing, self.state != .closed else { return }
        self.state = .closing
        self.outcome.ending = ending
        if let detail { self.outcome.detail = detail }
        self.timer?.cancel()
        self.endAttempt()
        switch ending {
        case .clientReset, .upstreamReset, .failed:
            self.abort(.client)
            self.abort(.upstream)
        case .finished, .refused, .idle, .closed, .revoked:
            self.closePolitely(.client)
            self.closePolitely(.upstream)
        }
        self.finishIfClosed()
    }

    /// What was cut off must not look complete: a reset, without close_notify.
    private func abort(_ side: Side) {
        guard let channel = self[side].channel else { return }
        (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in }
        let pipeline = channel.pipeline.syncOperations
        (try? pipeline.handler(type: LingeringClose.self))?.isAborting = true
        self.closeBelowTLS(side)
    }

    /// Without a close_notify of ours, or a wait for the peer's.
    func closeBelowTLS(_ side: Side) {
        guard let channel = self[side].channel else { return }
        if let tls = self[side].tls, let context = try? channel.pipeline.syncOperations.context(handler: tls) {
            context.close(promise: nil)
        } else {
            channel.close(promise: nil)
        }
    }

    private func closePolitely(_ side: Side) {
        guard let channel = self[side].channel else { return }
        channel.close(promise: nil)
        channel.read()
    }

    func closed(_ side: Side) {
        self[side].channel = nil
        self[side].handler = nil
        self[side].tls = nil
        switch self.state {
        case .greeting:
            self.refuse(.clientTLSFailed, "the client closed the connection during the handshake")
        case .connecting:
            if side == .client {
                self.end(.clientReset, "the client closed the connection before it was connected")
            } else {
                self.attemptFailed((.upstreamTLSFailed, "the connection ended during the handshake"))
            }
        case .relaying: self.closedWhileRelaying(side)
        case .closing, .closed: break
        }
        self.finishIfClosed()
    }

    func finishIfClosed() {
        guard self.state == .closing, self.client.channel == nil, self.upstream.channel == nil else { return }
        self.state = .closed
        self.timer?.cancel()
        self.endAttempt()
        self.outcome.bytesIn = self.client.bytes
        self.outcome.bytesOut = self.upstream.bytes
        self.relay.unregister(self.request.id)
        self.request.finish(self.outcome)
    }

    func failed(_ side: Side, _ error: any Error) {
        switch (self.state, side) {
        case (.greeting, .client):
            let (reason, detail) = TLSFailure.client(error)
            self.refuse(reason, detail)
        case (.connecting, .client): self.end(.clientReset, TLSFailure.words(error))
        case (.connecting, .upstream): self.attemptFailed(TLSFailure.upstream(error))
        case (.relaying, _): self.failedWhileRelaying(side, error)
        default: break
        }
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
