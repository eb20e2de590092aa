import CLinux
package import Logging
package import NameResolution
import Relay
package import Routing
import Synchronization

/// Relays connections whose TLS ends or begins in this proxy. Takes connected sockets; `RelayedConnection` is one of them.
///
/// Sockets, epoll and TLS records are driven by hand: on a general event loop with a pipeline of handlers the same work cost
/// more than a third again, see `docs/benchmarks.md`.
package final class TLSRelay: Sendable {
    package let options: TLSRelayOptions
    package let credentials: TLSCredentials
    let balancers = Balancers()
    let resolver: any NameResolver
    private let logger: Logger
    private struct State {
        /// Started when the first connection comes for each: a proxy without TLS has no threads for it.
        var loops: [TLSLoop?]
        var turn = 0
        var isOver = false
        /// Clusters whose server is not verified.
        var unverified: Set<String> = []
    }
    private let state: Mutex<State>
    /// One count per thread that has not ended or never began, kept in step with `loops`.
    private let ended: Countdown
    private let active = Atomic<Int>(0)

    package init(
        options: TLSRelayOptions, credentials: TLSCredentials, resolver: any NameResolver = DNSResolver(), logger: Logger
    ) {
        self.options = options
        self.credentials = credentials
        self.logger = logger
        self.resolver = resolver
        self.state = Mutex(State(loops: Array(repeating: nil, count: max(1, options.threads))))
        self.ended = Countdown(max(1, options.threads))
    }

    /// Takes over the socket and returns at once. `connection.finish` says how it ended.
    package func take(_ connection: TLSConnection) {
        self.active.add(1, ordering: .relaxed)
        if let loop = self.nextLoop(), loop.post(.take(connection)) { return }
        var outcome = TLSOutcome(verdict: .refused(.overloaded), ending: .refused)
        outcome.detail = "no thread for TLS"
        _ = cl_close(connection.socket)
        self.ended(outcome, of: connection)
    }

    private func nextLoop() -> TLSLoop? {
        self.state.withLock { state in
            guard !state.isOver else { return nil }
            state.turn = (state.turn + 1) % state.loops.count
            if let loop = state.loops[state.turn] { return loop }
            guard let loop = try? TLSLoop(self) else { return nil }
            let ended = self.ended
            let status = Thread.start(name: "egret-tls-\(state.turn)") {
                loop.run()
                ended.countDown()
            }
            guard status == 0 else { return nil }
            state.loops[state.turn] = loop
            return loop
        }
    }

    /// Ends a connection now. Ids of connections that ended in the meantime are ignored.
    package func close(id: UInt64) {
        self.post(.close(id))
    }

    /// Ends a terminated connection whose caller these rules do not permit. One that has not shown its certificate yet is
    /// measured by them when it does.
    package func recheck(id: UInt64, callers: CallerRules) { self.post(.recheck(id, callers)) }

    /// To every loop: the one that has the connection, or will have it in a moment, knows what to do.
    private func post(_ message: TLSLoop.Message) {
        for loop in self.state.withLock({ $0.loops }) { loop?.post(message) }
    }

    /// Makes ready what the clusters need; returns those that cannot be connected to.
    package func apply(_ config: ProxyConfig) -> [ItemError] {
        self.warnOfUnverified(config.clusters)
        return self.credentials.setTrust(config.trust) + self.credentials.prepare(config.clusters)
    }

    /// Once for each cluster that is not verified, when it begins to be so.
    private func warnOfUnverified(_ clusters: [Cluster]) {
        let unverified = Set(
            clusters.filter { $0.externals.contains { $0.tls.verify == .none } }.map(\.name))
        let fresh = self.state.withLock { state in
            defer { state.unverified = unverified }
            return unverified.subtracting(state.unverified)
        }
        for name in fresh.sorted() {
            self.logger.warning(
                "A cluster's server is not verified: whoever answers gets its connections. Remove verify: none, or give the server's CA",
                metadata: ["cluster": "\(name)"])
        }
    }

    package var activeConnections: Int { self.active.load(ordering: .relaxed) }

    /// Closes what is open and ends the threads.
    package func shutdown() async {
        let loops = self.state.withLock { state in
            state.isOver = true
            let loops = state.loops
            state.loops = Array(repeating: nil, count: loops.count)
            return loops
        }
        for loop in loops {
            if let loop { loop.post(.stop) } else { self.ended.countDown() }
        }
        await self.ended.wait()
    }

    /// A connection is over and its sockets are closed.
    func ended(_ outcome: TLSOutcome, of connection: TLSConnection) {
        self.active.subtract(1, ordering: .relaxed)
        connection.finish(outcome)
    }
}
