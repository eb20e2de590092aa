/// The engine's settings. Defaults are the product's.
package struct RelayOptions: Sendable {
    /// Worker threads; nil means one per usable core.
    package var workers: Int?
    /// From accept to a complete ClientHello.
    package var helloTimeout: Duration = .seconds(5)
    /// Wire bytes, record headers included.
    package var maxHelloBytes = 16 * 1024
    /// For one endpoint, with all addresses of its name.
    package var connectTimeout: Duration = .seconds(5)
    /// Endpoints tried before a connection is refused with `connect_failed`; 4 at most.
    package var connectAttempts = 3
    /// Without a byte in either direction.
    package var idleTimeout: Duration = .seconds(3600)
    /// How long a refused client gets to read the alert and close before we do.
    package var lingerTimeout: Duration = .seconds(2)
    /// Unacknowledged data and unanswered probes for this long mean that the peer is gone (TCP_USER_TIMEOUT).
    package var peerTimeout: Duration = .seconds(60)
    package var keepAliveInterval: Duration = .seconds(30)
    /// Records of refusals per reason, worker and ten seconds; the rest is counted only.
    package var refusalRecordsPerReason = 20
    /// Whether a listener may be bound to `0.0.0.0` or `::`, every interface of the machine. A control plane never asks for that;
    /// a person who writes a file may mean it.
    package var bindsUnspecified = false
    /// Whether connections that were allowed leave a record when they close.
    package var recordAllowed = true
    /// Resident bytes of this process from which on new connections are refused; nil: only the limits the system sets
    /// (cgroup, address space) count.
    package var memoryLimit: UInt64?

    package init() {}
}
