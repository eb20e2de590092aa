package import FoundationEssentials
package import Routing

/// Takes sockets whose TLS ends or begins in this proxy. The engine has accepted, read the hello (peeked: every byte is
/// still in the socket) and matched; the taker does the rest and says how it ended.
package protocol ConnectionHandoff: Sendable {
    /// Takes over the socket, which the engine has forgotten: the taker closes it. Called on a worker thread, so it only
    /// passes the connection on and returns. `connection.finish` must be called exactly once, on any thread.
    func take(_ connection: HandedConnection)

    /// Ends a connection taken earlier, now (a drain's time is over, its route is gone, or the process stops). `finish` is still called.
    /// Unknown ids are ignored: the connection may have ended in the meantime.
    func close(_ id: ConnectionID, reason: CloseReason)

    /// The rules for callers have changed: ends a terminated connection, with `routeRemoved`, unless they permit its caller.
    func recheck(_ id: ConnectionID, callers: CallerRules)
}

package struct HandedConnection: Sendable {
    /// A connected, nonblocking TCP socket with the client's bytes unread.
    package let socket: Int32
    package let id: ConnectionID
    package let client: IPEndpoint
    /// Where the client meant to connect, to be told to the cluster; nil where the cluster doesn't ask for a PROXY protocol
    /// header.
    package let destination: IPEndpoint?
    package let listener: String
    /// Nil on outbound listeners.
    package let serverName: String?
    /// `terminate` or `originate`.
    package let action: Action
    /// The matched route's origin, or the service of an outbound listener.
    package let origin: String
    /// The configuration the connection was matched under.
    package let config: ConfigSnapshot
    package let openedAt: Date
    /// The time from accept to here that is already spent of the client's deadline for its handshake.
    package let helloDuration: Duration
    private let completion: @Sendable (HandoffOutcome) -> Void

    init(
        socket: Int32, id: ConnectionID, client: IPEndpoint, destination: IPEndpoint?, listener: String, serverName: String?,
        action: Action, origin: String,
        config: ConfigSnapshot, openedAt: Date, helloDuration: Duration, completion: @escaping @Sendable (HandoffOutcome) -> Void
    ) {
        self.socket = socket
        self.id = id
        self.client = client
        self.destination = destination
        self.listener = listener
        self.serverName = serverName
        self.action = action
        self.origin = origin
        self.config = config
        self.openedAt = openedAt
        self.helloDuration = helloDuration
        self.completion = completion
    }

    /// Says how the connection ended, after its socket is closed. The engine counts and records it.
    package func finish(_ outcome: HandoffOutcome) { self.completion(outcome) }
}

/// How a handed-off connection ended.
package struct HandoffOutcome: Sendable {
    package var verdict: ConnectionRecord.Verdict
    package var closeReason: CloseReason
    package var caller: String?
    package var endpoint: String?
    package var connectDuration: Duration?
    package var bytesIn: UInt64
    package var bytesOut: UInt64
    package var detail: String?

    package init(
        verdict: ConnectionRecord.Verdict, closeReason: CloseReason, caller: String? = nil, endpoint: String? = nil,
        connectDuration: Duration? = nil, bytesIn: UInt64 = 0, bytesOut: UInt64 = 0, detail: String? = nil
    ) {
        self.verdict = verdict
        self.closeReason = closeReason
        self.caller = caller
        self.endpoint = endpoint
        self.connectDuration = connectDuration
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.detail = detail
    }
}
