import CLinux

/// Tells peers that are slow from peers that are gone.
///
/// A reader that has stopped closes its window and acknowledges the probes that the kernel sends into it: it is alive for as long
/// as it does that, however long it reads nothing (RFC 9293 section 3.8.6.1, RFC 1122 section 4.2.2.17). Linux's TCP_USER_TIMEOUT
/// ends such a connection all the same, and counts from when the window closed. So it is taken back while a window is closed, and
/// we look whether probes are answered; whether a connection may stand still for so long is for the idle timeout to decide.
package enum PeerWatch {
    package enum Finding: Equatable {
        /// Everything is acknowledged. Whoever is gone keepalive finds out.
        case settled
        /// Bytes are on their way; the kernel gives them up after the user timeout.
        case underWay
        /// The peer is there and reads nothing.
        case stalled
        /// The peer had no room, and now it answers no more.
        case gone
    }

    /// Of this many, one may be lost on the way. The kernel sends them ever more rarely, in the end every two minutes.
    private static let unansweredProbes: UInt32 = 2

    static func judge(_ state: cl_peer_state, timeout: UInt32) -> Finding {
        if !state.is_waiting { return .settled }
        if !state.is_window_closed { return .underWay }
        return state.unanswered_probes >= self.unansweredProbes && state.silent_ms >= timeout ? .gone : .stalled
    }

    /// How often to look: often enough that no closed window outlasts the user timeout unseen.
    package static func interval(_ timeout: Duration) -> Int64 { max(timeout.nanoseconds / 2, 1_000_000) }

    /// Looks at the peer of a connected socket and sets the socket's user timeout accordingly.
    /// - Parameters:
    ///   - isSpared: Whether its user timeout is taken back.
    ///   - timeout: In milliseconds.
    package static func look(_ socket: Int32, isSpared: inout Bool, timeout: UInt32) -> Finding {
        var state = cl_peer_state()
        // Who can't be asked is found out by reading.
        guard cl_peer_state_of(socket, &state) == 0 else { return .underWay }
        let finding = self.judge(state, timeout: timeout)
        let isStalled = finding == .stalled
        if isStalled != isSpared, finding != .gone {
            isSpared = isStalled
            _ = cl_set_user_timeout(socket, isStalled ? 0 : timeout)
        }
        return finding
    }
}
