package import Logging
package import Routing

/// Accepts, decides and relays. See `docs/architecture.md`, Data path.
package final class RelayEngine: Sendable {
    private let options: RelayOptions
    private let handoff: any ConnectionHandoff
    private let records: any ConnectionRecordSink
    private let logger: Logger

    /// Nothing runs before `start`.
    package init(options: RelayOptions, handoff: any ConnectionHandoff, records: any ConnectionRecordSink, logger: Logger) {
        self.options = options
        self.handoff = handoff
        self.records = records
        self.logger = logger
    }

    /// Starts the worker threads. Fails only where the machine refuses threads or file descriptors.
    package func start() throws {}

    /// Serves `config` from now on and returns what of it can't be served; everything else is. Listeners whose address and
    /// port stay keep their sockets; open connections are untouched. Returns when every worker has adopted the table.
    package func apply(_ config: ProxyConfig) async -> [ItemError] { [] }

    /// Ends service without refusing anybody: keeps accepting for `grace`, then takes what is queued, closes the listeners,
    /// waits up to `deadline` for the connections to end and closes the rest with jitter. Returns when all are closed.
    /// The caller has turned readiness off before.
    package func drain(grace: Duration, deadline: Duration) async {}

    /// Closes everything and ends the worker threads. Also ends a drain under way.
    package func stop() async {}

    package var boundListeners: [BoundListener] { [] }
    package func connections() async -> [OpenConnection] { [] }
    package func clusters() async -> [ClusterState] { [] }
    /// Sum over the workers. Cheap: takes no lock and waits for nobody.
    package var counters: RelayCounters { RelayCounters() }
}
