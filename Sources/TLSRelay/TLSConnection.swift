package import Routing

/// A connected client socket with what is to be done with it. The relay owns the socket from `TLSRelay.take` on.
package struct TLSConnection: Sendable {
    /// Nonblocking TCP, the client's bytes unread.
    package var socket: CInt
    /// Names the connection for `TLSRelay.close`.
    package var id: UInt64
    package var purpose: Purpose
    package var upstream: UpstreamCluster
    /// Sent to the destination ahead of everything else, TLS included.
    package var preface: [UInt8]
    /// Called once, when both sockets are closed, on any thread.
    package var finish: @Sendable (TLSOutcome) -> Void

    package var cluster: Cluster { self.upstream.cluster }

    package enum Purpose: Sendable, Hashable {
        /// Mesh mTLS from the client ends here.
        case terminate(mesh: String, callers: CallerRules)
        /// The client speaks plaintext; the cluster says what goes out.
        case originate
    }

    package init(
        socket: CInt, id: UInt64, purpose: Purpose, upstream: UpstreamCluster, preface: [UInt8] = [],
        finish: @escaping @Sendable (TLSOutcome) -> Void
    ) {
        self.socket = socket
        self.id = id
        self.purpose = purpose
        self.upstream = upstream
        self.preface = preface
        self.finish = finish
    }
}

/// What became of a connection.
package struct TLSOutcome: Sendable, Hashable {
    package enum Verdict: Sendable, Hashable {
        case allowed
        case refused(RefusalReason)
    }

    package enum Ending: Sendable, Hashable {
        /// Both sides said all they had to say.
        case finished
        case refused
        case clientReset, upstreamReset
        case idle
        /// TLS failed after the connection was allowed.
        case failed
        /// `TLSRelay.recheck` found that its caller is no longer permitted.
        case revoked
        /// `TLSRelay.close` was called.
        case closed
    }

    package var verdict: Verdict
    package var ending: Ending
    /// The caller's SPIFFE ids, comma-separated, where mesh mTLS ended here.
    package var caller: String?
    /// `address:port` of the endpoint tried last.
    package var endpoint: String?
    /// From the first attempt to the usable connection.
    package var connectDuration: Duration?
    /// Plaintext from the client.
    package var bytesIn: UInt64
    /// Plaintext to the client.
    package var bytesOut: UInt64
    /// The cause in words.
    package var detail: String?

    package init(verdict: Verdict, ending: Ending) {
        self.verdict = verdict
        self.ending = ending
        self.bytesIn = 0
        self.bytesOut = 0
    }
}

package struct TLSRelayOptions: Sendable {
    package var threads: Int
    /// For the client's TLS handshake.
    package var handshakeTimeout = Duration.seconds(10)
    /// For one endpoint: TCP, and TLS once more.
    package var connectTimeout = Duration.seconds(5)
    package var connectAttempts = 3
    /// Without a byte in either direction.
    package var idleTimeout = Duration.seconds(3600)
    /// As in `RelayOptions`.
    package var keepAliveInterval = Duration.seconds(30)
    package var peerTimeout = Duration.seconds(60)

    package init(threads: Int = 1) { self.threads = threads }
}
