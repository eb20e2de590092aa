import NIOCore
import NIOSSL
import Routing

/// Two sockets glued together: what comes from one goes to the other, no faster than it can take it, and an end of one
/// direction is passed on without touching the other.
extension RelayedConnection {
    func beginRelaying() {
        self.state = .relaying
        self.lastActivity = .now()
        self.watchIdleness()
        for side in [Side.client, .upstream] {
            let pending = self[side].pending
            self[side].pending = []
            for buffer in pending { self[side.other].channel?.write(buffer, promise: nil) }
            if !pending.isEmpty { self[side.other].channel?.flush() }
            if self[side].inputEnded { self.endOutput(of: side.other) } else { self.readMore(side) }
        }
    }

    func received(_ buffer: ByteBuffer, from side: Side) {
        switch self.state {
        case .relaying:
            self[side].bytes += UInt64(buffer.readableBytes)
            self[side.other].channel?.write(buffer, promise: nil)
        case .greeting, .connecting:
            self[side].bytes += UInt64(buffer.readableBytes)
            self[side].pending.append(buffer)
        case .closing, .closed: break
        }
    }

    func readCompleted(_ side: Side) {
        switch self.state {
        case .relaying:
            self.lastActivity = .now()
            self[side.other].channel?.flush()
            if !self[side].inputEnded { self.readMore(side) }
        case .closing:
            // What still comes is thrown away until the peer closes.
            self[side].channel?.read()
        case .greeting, .connecting, .closed: break
        }
    }

    private func readMore(_ side: Side) {
        guard let other = self[side.other].channel else { return }
        if other.isWritable {
            self[side].isHeld = false
            self[side].channel?.read()
        } else {
            self[side].isHeld = true
        }
    }

    func writabilityChanged(_ side: Side) {
        guard self.state == .relaying, self[side.other].isHeld else { return }
        self.lastActivity = .now()
        self.readMore(side.other)
    }

    func inputEnded(_ side: Side) {
        guard !self[side].inputEnded else { return }
        self[side].inputEnded = true
        switch (self.state, side) {
        // Where half-closing is allowed NIOSSL, having sent its close_notify, would wait out its time though it has the peer's.
        case (.closing, _): self.closeBelowTLS(side)
        case (.relaying, _): self.endOutput(of: side.other)
        case (.greeting, .client):
            self.refuse(.clientTLSFailed, "the client closed the connection during the handshake")
        case (.connecting, .upstream):
            // A plain upstream may speak and end before we are told that it is connected; TLS that ends early has failed.
            if self.request.cluster.tls != .none {
                self.attemptFailed((.upstreamTLSFailed, "the connection ended during the handshake"))
            }
        default: break
        }
    }

    /// Sends the end of one direction on, after everything before it.
    ///
    /// The empty write waits for all earlier ones: closing a socket whose input has ended would drop what is unsent.
    private func endOutput(of side: Side) {
        guard let channel = self[side].channel, !self[side].outputEnded else { return }
        self[side].outputEnded = true
        let sent = self.loop.makePromise(of: Void.self)
        channel.writeAndFlush(channel.allocator.buffer(capacity: 0), promise: sent)
        sent.futureResult.assumeIsolated().whenComplete { _ in
            self[side].outputDone = true
            guard self.state == .relaying else { return }
            if self[side.other].channel == nil || self[side.other].outputDone {
                self.end(.finished, nil)
            } else {
                channel.close(mode: .output, promise: nil)
            }
        }
    }

    func closedWhileRelaying(_ side: Side) {
        // A reset was told as a failure before. This is an end: a socket that we had half-closed closes with the peer's end
        // and says so only here.
        self[side].inputEnded = true
        if self[side.other].channel == nil || self[side.other].outputDone {
            self.end(.finished, nil)
        } else {
            // Its last bytes are still on their way to the other side, whose `endOutput` ends the connection.
            self.endOutput(of: side.other)
        }
    }

    func failedWhileRelaying(_ side: Side, _ error: any Error) {
        if case NIOSSLError.uncleanShutdown = error {
            // Common among servers on the internet; the end of input follows as an event of its own.
            self.outcome.detail = "\(side == .client ? "the client" : "the upstream") ended TLS without close_notify"
            return
        }
        let detail = TLSFailure.words(error)
        if self[side].inputEnded {
            // It has said all it had to say, which the other side shall get.
            self.outcome.detail = detail
            self[side].channel?.close(promise: nil)
        } else if side == .upstream, self.upstream.bytes == 0, TLSFailure.isTLS(error) {
            // With TLS 1.3 a server's refusal of our certificate arrives only after the handshake is done for us.
            self.outcome.verdict = .refused(.upstreamTLSFailed)
            self.end(.refused, detail)
        } else if TLSFailure.isTLS(error) {
            self.end(.failed, detail)
        } else {
            self.end(side == .client ? .clientReset : .upstreamReset, detail)
        }
    }

    /// Looks once per idle time instead of rearming a timer with every read.
    private func watchIdleness() {
        let limit = TimeAmount(self.options.idleTimeout)
        let due = self.lastActivity + limit
        self.timer = self.loop.assumeIsolated().scheduleTask(deadline: due) {
            guard self.state == .relaying else { return }
            if NIODeadline.now() - self.lastActivity >= limit {
                self.end(.idle, "no byte in either direction for \(self.options.idleTimeout)")
            } else {
                self.watchIdleness()
            }
        }
    }
}
