import CLinux
import Glibc

/// Receiving and sending.
extension RelayedConnection {
    enum Received {
        /// In `exchange.input`.
        case bytes
        case nothing
        case ended
        case failed(Int32)
    }

    func receive(from leg: Leg) -> Received {
        if !leg.kept.isEmpty {
            self.exchange.fill(leg.kept)
            leg.kept = []
            return .bytes
        }
        while leg.isReadable, leg.isOpen {
            let count = cl_recv(leg.fd, self.exchange.input, Exchange.receiveSize)
            switch count {
            case 1...:
                // Less than asked for was all there was; news of more comes by itself. Of an end that was told before, it doesn't.
                if count < Exchange.receiveSize, !leg.isHungUp { leg.isReadable = false }
                self.exchange.filled(count)
                return .bytes
            case 0:
                leg.isReadable = false
                return .ended
            case Int(-EINTR): continue
            case Int(-EAGAIN): leg.isReadable = false
            default:
                leg.isReadable = false
                return .failed(Int32(-count))
            }
        }
        return .nothing
    }

    /// Sends what the socket takes and keeps the rest for later. Returns 0, or the error of a socket that is broken.
    func send(_ bytes: UnsafeRawBufferPointer, to leg: Leg) -> Int32 {
        guard !bytes.isEmpty, leg.isOpen else { return 0 }
        var sent = 0
        if leg.unsent.isEmpty {
            sent = cl_send(leg.fd, bytes.baseAddress, bytes.count)
            if sent == bytes.count { return 0 }
            if sent == Int(-EAGAIN) || sent == Int(-EINTR) { sent = 0 }
            if sent < 0 { return Int32(-sent) }
        }
        leg.unsent.append(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
        return 0
    }

    /// The socket takes bytes again.
    func sendRest(to leg: Leg) {
        while !leg.unsent.isEmpty {
            let rest = leg.unsent.rest
            let sent = cl_send(leg.fd, rest.baseAddress, rest.count)
            if sent == Int(-EAGAIN) { return }
            if sent == Int(-EINTR) { continue }
            guard sent > 0 else {
                leg.unsent.clear()
                switch self.state {
                case .relaying: self.sendingFailed(leg, Int32(-sent))
                // Heard of when something is received.
                case .greeting, .connecting, .closing, .closed: break
                }
                return
            }
            leg.unsent.sent(sent)
            if sent < rest.count { return }
        }
        if self.state == .relaying, leg.outputEnded, !leg.outputDone { self.outputSent(leg) }
    }

    /// A fast sender behind a slow receiver: every packet until its window closes would be an event to no purpose.
    func muteIfStuck(_ leg: Leg) {
        guard self.state == .relaying, leg.isOpen, leg.isReadable, !leg.isMuted, !self.other(leg).unsent.isEmpty else { return }
        leg.isMuted = self.loop.watchAgain(leg.fd, self.reference, kind: self.kind(leg), hearsBytes: false)
    }

    func unmute(_ leg: Leg) {
        guard leg.isMuted, leg.isOpen else { return }
        leg.isMuted = !self.loop.watchAgain(leg.fd, self.reference, kind: self.kind(leg), hearsBytes: true)
    }

    private func kind(_ leg: Leg) -> UInt64 { leg.side == .client ? TLSLoop.clientKind : self.attempts.winner }

    func close(_ leg: Leg) {
        guard leg.isOpen else { return }
        _ = cl_close(leg.fd)
        leg.fd = -1
        leg.unsent.clear()
        leg.kept = []
        leg.tls = nil
    }
}
