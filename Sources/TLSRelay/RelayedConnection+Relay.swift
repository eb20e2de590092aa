import CLinux
import Glibc
import Relay
import Routing

/// Two sockets glued together: what comes from one goes to the other, no faster than it can take it, and an end of one
/// direction is passed on without touching the other.
extension RelayedConnection {
    /// How often one direction receives before others get their turn.
    private static var rounds: Int { 8 }
    /// Keepalive is for connections that last.
    private static var firstCheck: Duration { .seconds(5) }

    func beginRelaying() {
        self.state = .relaying
        self.lastActivity = self.loop.now
        self.setTimer(after: min(self.options.idleTimeout, self.options.keepAliveInterval, self.peerLook, Self.firstCheck))
        self.goOn()
    }

    func goOn() {
        self.pump(from: self.client, to: self.upstream)
        self.pump(from: self.upstream, to: self.client)
    }

    private func pump(from: Leg, to: Leg) {
        if to.unsent.isEmpty { self.unmute(from) }
        var rounds = 0
        while self.state == .relaying, !from.inputEnded, to.unsent.isEmpty, from.isOpen {
            if rounds == Self.rounds {
                self.loop.goOnLater(self)
                return
            }
            rounds += 1
            switch self.receive(from: from) {
            case .nothing: return
            case .ended:
                if let broken = from.broken {
                    // The error was told to the write that met it.
                    self.failed(from, broken, isTLS: false)
                    return
                }
                if from.tls != nil {
                    // Common among servers on the internet.
                    self.outcome.detail = "\(from.side == .client ? "the client" : "the upstream") ended TLS without close_notify"
                }
                self.inputEnded(from)
            case .failed(let error): self.failed(from, TLSFailure.words(errno: error), isTLS: false)
            case .bytes:
                guard let tls = from.tls else {
                    self.pass(self.exchange.unread, from: from, to: to)
                    continue
                }
                self.exchange.emptyOutput()
                let (count, reading) = tls.read()
                // Answers of TLS itself, to key updates for example.
                let error = self.send(self.exchange.output, to: from)
                if error != 0 { self.sendingFailed(from, error) }
                if count > 0 { self.pass(UnsafeRawBufferPointer(start: self.exchange.plain, count: count), from: from, to: to) }
                guard self.state == .relaying else { return }
                switch reading {
                case .more: break
                case .closed: self.inputEnded(from)
                case .failed(let words): self.failed(from, words, isTLS: true)
                }
            }
        }
    }

    private func pass(_ bytes: UnsafeRawBufferPointer, from: Leg, to: Leg) {
        from.bytes += UInt64(bytes.count)
        // The other side does not listen any more: what comes is read, so that its end is seen, and dropped.
        guard to.isOpen, !to.outputEnded, to.broken == nil else { return }
        var error: Int32 = 0
        if let tls = to.tls {
            self.exchange.emptyOutput()
            guard tls.write(bytes) else {
                self.failed(to, BoringSSLErrors.take() ?? "TLS failed", isTLS: true)
                return
            }
            error = self.send(self.exchange.output, to: to)
        } else {
            error = self.send(bytes, to: to)
        }
        if error != 0 { self.sendingFailed(to, error) }
    }

    /// A server may answer, stop listening and close, which resets what is still sent to it: its answer comes first.
    func sendingFailed(_ leg: Leg, _ error: Int32) {
        let words = TLSFailure.words(errno: error)
        guard !leg.inputEnded else {
            self.failed(leg, words, isTLS: false)
            return
        }
        leg.broken = words
        leg.isReadable = true
        leg.isHungUp = true
        self.loop.goOnLater(self)
    }

    private func inputEnded(_ leg: Leg) {
        guard !leg.inputEnded else { return }
        leg.inputEnded = true
        self.endOutput(of: self.other(leg))
    }

    /// Sends the end of one direction on, after everything before it.
    private func endOutput(of leg: Leg) {
        guard !leg.outputEnded else { return }
        leg.outputEnded = true
        if leg.isOpen, let tls = leg.tls {
            self.exchange.emptyOutput()
            tls.close()
            let error = self.send(self.exchange.output, to: leg)
            guard error == 0 else {
                // A reset that our goodbye met first: told once, it must not look like an end to who reads next.
                self.sendingFailed(leg, error)
                return
            }
        }
        if leg.unsent.isEmpty { self.outputSent(leg) }
    }

    /// The last bytes have left.
    func outputSent(_ leg: Leg) {
        leg.outputDone = true
        let other = self.other(leg)
        if !other.isOpen || other.outputDone {
            self.end(self.cutShort ?? .finished, nil)
        } else if leg.isOpen {
            leg.isShutDown = true
            _ = cl_shutdown_write(leg.fd)
        }
    }

    func failed(_ leg: Leg, _ detail: String, isTLS: Bool) {
        guard self.state == .relaying else { return }
        if leg.inputEnded {
            // It has said all it had to say, which the other side shall get.
            self.outcome.detail = detail
            if !leg.outputDone { self.cutShort = leg.side == .client ? .clientReset : .upstreamReset }
            self.close(leg)
            leg.outputEnded = true
            leg.outputDone = true
            if self.other(leg).outputDone { self.end(self.cutShort ?? .finished, nil) }
        } else if leg.side == .upstream, leg.bytes == 0, isTLS {
            // With TLS 1.3 a server's refusal of our certificate arrives only after the handshake is done for us.
            self.outcome.verdict = .refused(.upstreamTLSFailed)
            self.end(.refused, detail)
        } else if isTLS {
            self.end(.failed, detail)
        } else {
            self.end(leg.side == .client ? .clientReset : .upstreamReset, detail)
        }
    }
}
