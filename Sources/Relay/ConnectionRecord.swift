package import FoundationEssentials
package import Routing

/// Names one client connection in records, logs and the admin pages, for the life of the process.
package struct ConnectionID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package var description: String { String(self.rawValue, radix: 16) }
}

/// What became of one client connection. Made once, at its refusal or its close.
package struct ConnectionRecord: Sendable {
    package var id: ConnectionID
    package var listener: String
    package var client: IPEndpoint
    /// In lower case. A name that the connection was refused for is as the client sent it, but for bytes that are escaped as
    /// `\xNN`. Nil where none was read.
    package var serverName: String?
    package var verdict: Verdict
    /// The matched route's origin.
    package var origin: String?
    package var cluster: String?
    /// `address:port` of the endpoint that was last tried.
    package var endpoint: String?
    /// The caller's SPIFFE id, where mesh mTLS ended here.
    package var caller: String?
    package var openedAt: Date
    package var duration: Duration
    /// From the first connect attempt to the established connection.
    package var connectDuration: Duration?
    /// Client to upstream.
    package var bytesIn: UInt64
    /// Upstream to client.
    package var bytesOut: UInt64
    package var closeReason: CloseReason
    /// The underlying error in words, where there is one.
    package var detail: String?
    /// How many refusals for the same reason went unrecorded since the last one, because there were too many to write down.
    package var suppressed: Int

    package enum Verdict: Hashable, Sendable {
        case allowed
        case refused(RefusalReason)
    }
}

/// How a connection ended.
package enum CloseReason: String, Hashable, Sendable {
    /// Both sides said all they had to say.
    case finished
    case refused
    case clientReset = "client_reset"
    case upstreamReset = "upstream_reset"
    case idleTimeout = "idle_timeout"
    /// Still open when a drain's time was over.
    case drained
    /// The table in service no longer has its route, or no longer permits its caller, and says that such connections are cut.
    case routeRemoved = "route_removed"
    /// The process was told to end at once.
    case stopped
    /// TLS failed after the connection was allowed.
    case failed
}

/// Where records go. Called on worker threads: implementations return quickly.
package protocol ConnectionRecordSink: Sendable {
    func record(_ record: ConnectionRecord)
}
