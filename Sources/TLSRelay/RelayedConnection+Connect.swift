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
            let (place, endpoint) = self.relay.balancers.begin(self.request.cluster, tried: self.tried)
        else {
            let (reason, detail) = self.lastFailure ?? (.noEndpoint, "cluster \(self.request.cluster.name) has no endpoint")
            self.refuse(reason, detail)
            return
        }
        self.attempts += 1
        self.tried.insert(place)
        self.place = place
        self.isPlaceConnected = false
        self.outcome.endpoint = endpoint.label
        do {
            self.connect(to: endpoint, tls: try self.makeTLS(endpoint))
        } catch {
            self.attemptFailed(error)
        }
    }

    /// The TLS handler for an endpoint; nil where the cluster speaks plaintext.
    private func makeTLS(_ endpoint: Endpoint) throws(AttemptError) -> NIOSSLClientHandler? {
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
        do {
            return try NIOSSLClientHandler(context: context, serverHostname: serverName)
        } catch {
            throw AttemptError(.upstreamTLSFailed, TLSFailure.words(error))
        }
    }

    private func connect(to endpoint: Endpoint, tls: NIOSSLClientHandler?) {
        let handler = SideHandler(.upstream, of: self)
        let bound = NIOLoopBound((handler, tls), eventLoop: self.loop)
        let bootstrap = ClientBootstrap(group: self.loop)
            .connectTimeout(TimeAmount(self.options.connectTimeout))
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (handler, tls) = bound.value
                    try channel.pipeline.syncOperations.addHandler(LingeringClose())
                    if let tls { try channel.pipeline.syncOperations.addHandler(tls) }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        let attempt = self.attempts
        let connected: EventLoopFuture<any Channel>
        if let literal = try? SocketAddress(ipAddress: endpoint.address, port: Int(endpoint.port)) {
            connected = bootstrap.connect(to: literal)
        } else {
            connected = bootstrap.connect(host: endpoint.address, port: Int(endpoint.port))
        }
        let hasTLS = tls != nil
        connected.assumeIsolated().whenComplete { result in
            guard self.state == .connecting, self.attempts == attempt else {
                // Given up in the meantime.
                handler.detach()
                if case .success(let channel) = result { channel.close(promise: nil) }
                return
            }
            switch result {
            case .failure(let error):
                handler.detach()
                self.attemptFailed(TLSFailure.connect(error))
            case .success(let channel):
                self.upstream = Leg()
                self.upstream.channel = channel
                self.upstream.handler = handler
                self.upstream.tls = bound.value.1
                guard hasTLS else {
                    self.established()
                    return
                }
                self.startTimer(self.options.connectTimeout) {
                    $0.attemptFailed((.upstreamTLSFailed, "the TLS handshake took too long"))
                }
                channel.read()
            }
        }
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
        if let place = self.place {
            self.relay.balancers.connected(self.request.cluster.name, place)
            self.isPlaceConnected = true
        }
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
        if let place = self.place {
            self.relay.balancers.failed(self.request.cluster.name, place)
            self.place = nil
        }
        if failure.reason == .noIdentity {
            // No other endpoint will change that.
            self.refuse(failure.reason, failure.detail)
        } else {
            self.connectNext()
        }
    }

    /// Gives the endpoint's place back.
    func endAttempt() {
        guard let place = self.place else { return }
        self.place = nil
        self.relay.balancers.ended(self.request.cluster.name, place)
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
