import CLinux
import NameResolution
import Relay
import Routing

/// Finding an upstream: one endpoint after the other until one is connected and has proved itself.
struct Attempts {
    enum Phase { case resolving, racing, securing }

    var phase = Phase.resolving
    var tried = Tried()
    var count = 0
    /// Counts in the cluster.
    var isInCluster = false
    var claim: Balancers.Claim?
    var endpoint: Endpoint?
    var lastFailure: AttemptError?
    /// Nil where the cluster speaks plaintext.
    var tls: UpstreamSettings?
    /// Of the first attempt.
    var start: Int64 = 0
    /// Of the attempt under way.
    var deadline: Int64 = 0
    var race = Race()
    /// The number of the upstream's socket; 0 before there is one.
    var winner: UInt64 = 0
}

struct UpstreamSettings {
    var context: TLSContext
    /// Sent in our hello; nil sends none.
    var serverName: String?
}

struct AttemptError: Error {
    let reason: RefusalReason
    let detail: String

    init(_ reason: RefusalReason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }
}

extension RelayedConnection {
    func connect() {
        self.state = .connecting
        self.attempts.start = self.loop.now
        do throws(AttemptError) {
            if !self.request.upstream.endpointsDiffer { self.attempts.tls = try self.tlsSettings(self.request.cluster.tls) }
            guard self.request.upstream.enter() else {
                throw AttemptError(.clusterConnectionLimit, "maxConnections is \(self.request.cluster.maxConnections ?? 0)")
            }
            self.attempts.isInCluster = true
            self.connectNext()
        } catch {
            // No endpoint will change that.
            self.refuse(error.reason, error.detail)
        }
    }

    private func connectNext() {
        guard self.attempts.count < self.options.connectAttempts,
            let (claim, endpoint) = self.relay.balancers.begin(self.request.upstream, now: self.loop.now, tried: &self.attempts.tried)
        else {
            let failure = self.attempts.lastFailure
            self.refuse(failure?.reason ?? .noEndpoint, failure?.detail ?? "cluster \(self.request.cluster.name) has no endpoint")
            return
        }
        self.attempts.count += 1
        self.attempts.claim = claim
        self.attempts.endpoint = endpoint
        self.outcome.endpoint = endpoint.label
        if self.request.upstream.endpointsDiffer {
            do throws(AttemptError) { self.attempts.tls = try self.tlsSettings(self.upstreamTLS) } catch {
                self.attemptFailed(error)
                return
            }
        }
        self.attempts.deadline = self.deadline(after: self.options.connectTimeout)
        self.loop.setTimer(self.reference, deadline: self.attempts.deadline)
        if let literal = IPEndpoint(address: endpoint.address, port: endpoint.port) {
            self.beginRace([literal])
        } else {
            self.resolve(endpoint.address)
        }
    }

    private func resolve(_ name: String) {
        self.attempts.phase = .resolving
        let (loop, reference, attempt) = (self.loop, self.reference, self.attempts.count)
        let known = self.relay.resolver.resolve(name) { loop.post(.resolved(reference, attempt: attempt, $0)) }
        if let known { self.resolved(known, attempt: attempt) }
    }

    func resolved(_ name: ResolvedName, attempt: Int) {
        guard self.state == .connecting, self.attempts.phase == .resolving, self.attempts.count == attempt,
            let endpoint = self.attempts.endpoint
        else { return }
        guard !name.addresses.isEmpty else {
            self.attemptFailed(
                AttemptError(.nameNotResolved, "\(endpoint.address): \(name.problem ?? "no address")"))
            return
        }
        let permitted = name.addresses.filter { self.request.upstream.permits($0) }
        guard !permitted.isEmpty else {
            self.attemptFailed(AttemptError(.addressDenied, "\(name.addresses[0].address) may not be dialled"))
            return
        }
        // Connections begin with different addresses of a name, to load them alike.
        let order = AddressOrder(permitted)
        self.beginRace(
            permitted.indices.map { index in
                var address = permitted[order.position(index, rotatedBy: self.request.id)]
                address.port = endpoint.port
                return address
            })
    }

    /// TCP is there. Who answered?
    func connected(_ fd: Int32, _ address: IPEndpoint) {
        self.upstream.fd = fd
        // A few bytes always fit into an empty send queue: less than all of them means that the connection is gone.
        let preface = self.request.preface
        guard preface.isEmpty || cl_send(fd, preface, preface.count) == preface.count else {
            self.attemptFailed(AttemptError(.connectFailed, "the connection ended at once"))
            return
        }
        guard let settings = self.attempts.tls else {
            self.established()
            return
        }
        self.upstream.tls = TLSSession(
            settings.context, self.exchange, serverName: settings.serverName, name: self.expectedName(address))
        self.attempts.phase = .securing
        self.attempts.deadline = self.deadline(after: self.options.connectTimeout)
        self.loop.setTimer(self.reference, deadline: self.attempts.deadline)
        // Our hello.
        self.exchange.filled(0)
        self.handshakeStep()
        self.secure()
    }

    /// Of the endpoint that is being tried.
    private var upstreamTLS: UpstreamTLS { self.attempts.endpoint?.tls ?? self.request.cluster.tls }

    /// How to speak TLS, where it is spoken: found out before anything is connected.
    private func tlsSettings(_ tls: UpstreamTLS) throws(AttemptError) -> UpstreamSettings? {
        let context: TLSContext?
        let serverName: String?
        switch tls {
        case .none: return nil
        case .mesh(let mesh, let sni, _):
            context = self.relay.credentials.clientContext(mesh: mesh)
            serverName = sni
            if context == nil { throw AttemptError(.noIdentity, "this proxy has no certificate for mesh \(mesh) yet") }
        case .external(let tls):
            context = self.relay.credentials.externalContext(tls)
            serverName = tls.hostName
        }
        guard let context else {
            throw AttemptError(.upstreamTLSFailed, "the TLS settings of cluster \(self.request.cluster.name) cannot be used")
        }
        if let serverName, !(1...255).contains(serverName.utf8.count) || serverName.utf8.contains(0) {
            throw AttemptError(.upstreamTLSFailed, "a server name of \(serverName.utf8.count) bytes cannot be sent (1 to 255 can)")
        }
        return UpstreamSettings(context: context, serverName: serverName)
    }

    /// What the server's certificate has to be for. In a mesh that is an id, compared when the handshake is done.
    private func expectedName(_ address: IPEndpoint) -> ExpectedName {
        guard case .external(let tls) = self.upstreamTLS, tls.verify == .full else { return .any }
        let name: ExpectedName =
            tls.hostName.map { .host($0) }
            ?? .address((tls.serverName.flatMap { IPEndpoint(address: $0, port: 0) } ?? address).addressBytes)
        return tls.names.map { .either(name, $0) } ?? name
    }

    /// The upstream's handshake, as far as what it has sent allows.
    func secure() {
        while self.state == .connecting, self.attempts.phase == .securing {
            switch self.receive(from: self.upstream) {
            case .nothing: return
            case .ended: self.attemptFailed(AttemptError(.upstreamTLSFailed, "the connection ended during the handshake"))
            case .failed(let error): self.attemptFailed(AttemptError(.upstreamTLSFailed, TLSFailure.words(errno: error)))
            case .bytes: self.handshakeStep()
            }
        }
    }

    private func handshakeStep() {
        guard let tls = self.upstream.tls else { return }
        self.exchange.emptyOutput()
        let step = tls.handshake()
        _ = self.send(self.exchange.output, to: self.upstream)
        switch step {
        case .wait: break
        case .failed(let words): self.attemptFailed(TLSFailure.upstream(words, tls.chainFailure))
        case .done:
            self.upstream.kept = Array(self.exchange.unread)
            self.verifyUpstream(tls)
        }
    }

    /// Chains and host names were verified in the handshake; ids are compared here, before a byte of the client's goes out.
    private func verifyUpstream(_ tls: TLSSession) {
        if let failure = tls.chainFailure {
            self.attemptFailed(TLSFailure.upstream("", failure))
            return
        }
        if case .mesh(_, _, let wanted) = self.upstreamTLS, tls.peer?.spiffeIDs.contains(wanted) != true {
            let ids = tls.peer?.spiffeIDs ?? []
            let names = ids.isEmpty ? "no SPIFFE id" : ids.joined(separator: ", ")
            self.attemptFailed(AttemptError(.untrustedUpstream, "the server is \(names), not \(wanted)"))
            return
        }
        self.established()
    }

    private func established() {
        if self.attempts.claim != nil { self.relay.balancers.connected(&self.attempts.claim!) }
        self.outcome.connectDuration = .nanoseconds(self.loop.now - self.attempts.start)
        self.outcome.verdict = .allowed
        self.outcome.detail = nil
        self.beginRelaying()
    }

    func attemptTimeIsUp() {
        guard self.loop.now >= self.attempts.deadline else {
            self.raceOn()
            return
        }
        switch self.attempts.phase {
        case .resolving:
            self.attemptFailed(AttemptError(.nameNotResolved, "\(self.attempts.endpoint?.address ?? "") was not resolved in time"))
        case .racing: self.attemptFailed(AttemptError(.connectTimeout, "no answer in time"))
        case .securing: self.attemptFailed(AttemptError(.upstreamTLSFailed, "the TLS handshake took too long"))
        }
    }

    func attemptFailed(_ failure: AttemptError) {
        guard self.state == .connecting else { return }
        self.attempts.lastFailure = failure
        self.close(self.upstream)
        self.upstream = Leg(.upstream)
        self.attempts.winner = 0
        self.attempts.race.close()
        if let claim = self.attempts.claim {
            if failure.reason == .overloaded || failure.reason == .noIdentity {
                // Of that the endpoint is not to blame. For another one there may be enough.
                self.relay.balancers.ended(claim)
            } else {
                self.relay.balancers.failed(claim, now: self.loop.now)
            }
        }
        self.attempts.claim = nil
        self.connectNext()
    }

    /// Gives the places at the endpoint and in the cluster back.
    func endAttempt() {
        self.attempts.race.close()
        if let claim = self.attempts.claim { self.relay.balancers.ended(claim) }
        self.attempts.claim = nil
        if self.attempts.isInCluster { self.request.upstream.leave() }
        self.attempts.isInCluster = false
    }
}
