import CLinux
import Glibc
import Relay
import Routing

/// Ends. A polite server says close_notify where TLS is up, ends its half, and closes once the peer has closed or the time
/// is over: closing with bytes of the peer unread would send a reset, which discards what the peer has not read yet.
extension RelayedConnection {
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
        self.endAttempt()
        switch ending {
        case .upstreamReset where self.cutShort != nil:
            // Its answer was complete.
            self.closePolitely(self.client)
        case .clientReset, .upstreamReset, .failed:
            self.abort(self.client)
            self.abort(self.upstream)
        case .finished, .refused, .idle, .closed, .revoked:
            self.closePolitely(self.client)
            self.closePolitely(self.upstream)
        }
        if self.client.isOpen || self.upstream.isOpen {
            self.setTimer(after: self.client.unsent.isEmpty && self.upstream.unsent.isEmpty ? Self.lingerLimit : Self.flushLimit)
        }
        self.finishIfClosed()
    }

    /// The relay stops: no time for goodbyes beyond what sockets take at once.
    func stop() {
        self.end(.closed, nil)
        guard self.state == .closing else { return }
        self.close(self.client)
        self.close(self.upstream)
        self.finishIfClosed()
    }

    /// For a peer that does not read.
    private static var flushLimit: Duration { .seconds(30) }
    /// For a peer that does not close.
    private static var lingerLimit: Duration { .seconds(2) }

    /// What was cut off must not look complete: a reset, without close_notify.
    private func abort(_ leg: Leg) {
        guard leg.isOpen else { return }
        _ = cl_set_reset_on_close(leg.fd)
        self.close(leg)
    }

    private func closePolitely(_ leg: Leg) {
        guard leg.isOpen else { return }
        if !leg.outputEnded, let tls = leg.tls {
            self.exchange.emptyOutput()
            tls.close()
            _ = self.send(self.exchange.output, to: leg)
        }
        leg.outputEnded = true
        self.unmute(leg)
        self.linger(leg)
    }

    /// Sends the rest, then our end, then throws away what still comes until the peer closes.
    func linger(_ leg: Leg) {
        guard leg.isOpen, leg.unsent.isEmpty else { return }
        if leg.inputEnded {
            self.close(leg)
            self.finishIfClosed()
            return
        }
        if !leg.isShutDown {
            leg.isShutDown = true
            _ = cl_shutdown_write(leg.fd)
            self.setTimer(after: Self.lingerLimit)
        }
        leg.tls = nil
        leg.kept = []
        while leg.isReadable {
            let count = cl_discard(leg.fd, 1 << 20)
            if count > 0 { continue }
            leg.isReadable = false
            if count != Int(-EAGAIN) {
                self.close(leg)
                self.finishIfClosed()
            }
        }
    }

    func finishIfClosed() {
        guard self.state == .closing, !self.client.isOpen, !self.upstream.isOpen else { return }
        self.state = .closed
        self.outcome.bytesIn = self.client.bytes
        self.outcome.bytesOut = self.upstream.bytes
        self.loop.release(self)
        self.relay.ended(self.outcome, of: self.request)
    }
}
