import NIOCore
import NIOPosix
import NIOSSL
import Routing

/// Finding an upstream: one endpoint after the other until one is connected and has proved itself.
extension RelayedConnection {
    func connectNext() {
        self.state = .connecting
        if self.connectStart == nil { self.connectStart = .now() }
        guard self.attempts < self.options.connectAttempts,
            let (claim, endpoint) = self.relay.balancers.begin(self.request.cluster, tried: &self.tried)
        else {
            let (reason, detail) = self.lastFailure ?? (.noEndpoint, "cluster \(self.request.cluster.name) has no endpoint")
            self.refuse(reason, detail)
            return
        }
        self.attempts += 1
        self.claim = claim
        self.outcome.endpoint = endpoint.label
        do {
            self.connect(to: endpoint, tls: try self.makeTLS())
        } catch {
            self.attemptFailed(error)
        }
    }

    /// Makes TLS handlers for an endpoint; nil where the cluster speaks plaintext.
    private func makeTLS() throws(AttemptError) -> (@Sendable () throws -> NIOSSLClientHandler)? {
        let context: NIOSSLContext?
        let serverName: String?
        switch self.request.cluster.tls {
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
        if let name = serverName, !(1...255).contains(name.utf8.count) || name.utf8.contains(0) {
            throw AttemptError(.upstreamTLSFailed, "a server name of \(name.utf8.count) bytes cannot be sent (1 to 255 can)")
        }
        return { try NIOSSLClientHandler(context: context, serverHostname: serverName) }
    }

    private func connect(to endpoint: Endpoint, tls: (@Sendable () throws -> NIOSSLClientHandler)?) {
        let bootstrap = ClientBootstrap(group: self.loop)
            .connectTimeout(TimeAmount(self.options.connectTimeout))
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                // Once per address tried: the addresses of a name race, and only the winner is attached.
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(LingeringClose())
                    if let tls { try pipeline.addHandler(tls()) }
                    try pipeline.addHandler(SideHandler(.upstream))
                }
            }
        let attempt = self.attempts
        bootstrap.connect(to: endpoint, resolver: self.relay.resolver, on: self.loop).assumeIsolated().whenComplete { result in
            guard self.state == .connecting, self.attempts == attempt else {
                // Given up in the meantime.
                if case .success(let channel) = result { channel.close(promise: nil) }
                return
            }
            switch result {
            case .failure(let error): self.attemptFailed(TLSFailure.connect(error))
            case .success(let channel): self.connected(channel)
            }
        }
    }

    private func connected(_ channel: any Channel) {
        let pipeline = channel.pipeline.syncOperations
        guard channel.isActive, let handler = try? pipeline.handler(type: SideHandler.self) else {
            self.attemptFailed((.connectFailed, "the endpoint closed the connection at once"))
            return
        }
        handler.attach(self)
        self.upstream = Leg()
        self.upstream.channel = channel
        self.upstream.handler = handler
        self.upstream.tls = try? pipeline.handler(type: NIOSSLClientHandler.self)
        guard self.upstream.tls != nil else {
            self.established()
            return
        }
        self.startTimer(self.options.connectTimeout) { $0.attemptFailed((.upstreamTLSFailed, "the TLS handshake took too long")) }
        channel.read()
    }

    /// Who answered? Chains were verified in the handshake; names are compared here, before a byte of the client's goes out.
    func verifyUpstream() {
        guard let channel = self.upstream.channel else { return }
        let certificate = self.upstream.tls?.peerCertificate
        do {
            switch self.request.cluster.tls {
            case .none: break
            case .mesh(_, _, let peer):
                let ids = certificate?.spiffeIDs ?? []
                guard ids.contains(peer) else {
                    let names = ids.isEmpty ? "no SPIFFE id" : ids.joined(separator: ", ")
                    throw UntrustedPeer(description: "the server is \(names), not \(peer)")
                }
            case .external(let tls):
                // A host name was verified by the handshake.
                guard tls.verify == .full, tls.hostName == nil else { break }
                let name = tls.serverName ?? channel.remoteAddress?.ipAddress ?? ""
                guard let certificate, certificate.isFor(ipAddress: name) else {
                    throw UntrustedPeer(description: "the server's certificate is not for \(name)")
                }
            }
            self.established()
        } catch {
            self.attemptFailed(TLSFailure.upstream(error))
        }
    }

    private func established() {
        self.timer?.cancel()
        if let claim = self.claim { self.relay.balancers.connected(claim) }
        if let start = self.connectStart {
            self.outcome.connectDuration = .nanoseconds((NIODeadline.now() - start).nanoseconds)
        }
        self.outcome.verdict = .allowed
        self.outcome.detail = nil
        self.beginRelaying()
    }

    func attemptFailed(_ error: AttemptError) { self.attemptFailed((error.reason, error.detail)) }

    func attemptFailed(_ failure: (reason: RefusalReason, detail: String)) {
        guard self.state == .connecting else { return }
        self.timer?.cancel()
        self.lastFailure = failure
        self.upstream.handler?.detach()
        self.upstream.channel?.close(promise: nil)
        self.upstream = Leg()
        if let claim = self.claim { self.relay.balancers.failed(claim) }
        self.claim = nil
        if failure.reason == .noIdentity {
            // No other endpoint will change that.
            self.refuse(failure.reason, failure.detail)
        } else {
            self.connectNext()
        }
    }

    /// Gives the endpoint's place back.
    func endAttempt() {
        if let claim = self.claim { self.relay.balancers.ended(claim) }
        self.claim = nil
    }
}

struct AttemptError: Error {
    let reason: RefusalReason
    let detail: String

    init(_ reason: RefusalReason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }
}
