import CLinux
import Routing

// What is done for connections that last: each is looked at now and then, whatever its traffic.
extension Worker {
    /// A deadline of a relayed connection. Traffic doesn't move deadlines: here we see how long ago the last was.
    mutating func checkIdle(_ slot: Slot) {
        if slot.pointee.flags.contains(.resetting) {
            return self.resetWhenSent(slot, slot.pointee.forward.flags.contains(.failed) ? .clientReset : .upstreamReset)
        }
        let idle = self.now - slot.pointee.lastActivity
        if idle >= self.limits.idle { return self.close(slot, .idleTimeout) }
        if !slot.pointee.flags.contains(.keepAlive) {
            // Short connections are spared these calls. The client's socket has the settings from its listener.
            slot.pointee.flags.insert(.keepAlive)
            let options = self.environment.options
            let seconds = Int32(clamping: max(1, options.keepAliveInterval.components.seconds))
            _ = cl_set_keepalive(slot.pointee.upstreamFD, seconds, max(1, seconds / 3), self.limits.peerMilliseconds)
        }
        // Two intervals without a byte have one look between them: what was settled then is settled now.
        let isSettled = slot.pointee.forward.flags.intersection(slot.pointee.backward.flags).contains(.settled)
        if !isSettled || idle < 2 * self.limits.peerLook {
            if self.isGone(&slot.pointee.forward, slot.pointee.upstreamFD) { return self.giveUp(slot, .upstreamReset) }
            if self.isGone(&slot.pointee.backward, slot.pointee.clientFD) { return self.giveUp(slot, .clientReset) }
        }
        self.setDeadline(slot, after: min(self.limits.idle - idle, self.limits.peerLook))
    }

    private func isGone(_ direction: inout Direction, _ destination: Int32) -> Bool {
        var isSpared = direction.flags.contains(.spared)
        let finding = PeerWatch.look(destination, isSpared: &isSpared, timeout: self.limits.peerMilliseconds)
        direction.flags.subtract([.spared, .settled])
        if isSpared { direction.flags.insert(.spared) }
        if finding == .settled { direction.flags.insert(.settled) }
        return finding == .gone
    }

    /// Nobody is there any more for what the kernel still holds: it goes with the socket.
    private mutating func giveUp(_ slot: Slot, _ reason: CloseReason) {
        _ = cl_set_reset_on_close(reason == .clientReset ? slot.pointee.clientFD : slot.pointee.upstreamFD)
        self.reset(slot, reason)
    }
}
