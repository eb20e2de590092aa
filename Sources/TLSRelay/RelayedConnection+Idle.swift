import CLinux
import Relay

// What is done for connections that last: each is looked at now and then, whatever its traffic.
extension RelayedConnection {
    var peerLook: Duration { .nanoseconds(PeerWatch.interval(self.options.peerTimeout)) }

    /// Instead of moving a timer with every read.
    func checkIdleness() {
        let limit = self.options.idleTimeout.nanoseconds
        let idle = self.loop.now - self.lastActivity
        if idle >= limit {
            self.end(.idle, "no byte in either direction for \(self.options.idleTimeout)")
            return
        }
        let timeout = UInt32(clamping: self.options.peerTimeout.nanoseconds / 1_000_000)
        if !self.isKeptAlive {
            self.isKeptAlive = true
            // The client's socket has it from its listener.
            if self.upstream.isOpen {
                let seconds = Int32(clamping: max(1, self.options.keepAliveInterval.components.seconds))
                _ = cl_set_keepalive(self.upstream.fd, seconds, max(1, seconds / 3), timeout)
            }
        }
        // Two intervals without a byte have one look between them: what was settled then is settled now.
        if !(self.client.isSettled && self.upstream.isSettled) || idle < 2 * self.peerLook.nanoseconds {
            self.look(at: self.client, timeout)
            self.look(at: self.upstream, timeout)
            guard self.state == .relaying else { return }
        }
        self.loop.setTimer(self.reference, deadline: self.loop.now + min(limit - idle, self.peerLook.nanoseconds))
    }

    private func look(at leg: Leg, _ timeout: UInt32) {
        guard leg.isOpen, self.state == .relaying else { return }
        let finding = PeerWatch.look(leg.fd, isSpared: &leg.isSpared, timeout: timeout)
        leg.isSettled = finding == .settled
        if finding == .gone { self.failed(leg, "the peer answers no more", isTLS: false) }
    }
}
