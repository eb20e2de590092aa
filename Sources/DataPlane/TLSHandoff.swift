import ProxyHeader
import Relay
import Routing
import Synchronization
import TLSRelay

/// Carries sockets from the engine to the TLS relay, and what became of them back.
final class TLSHandoff: ConnectionHandoff {
    private let tls: TLSRelay
    /// Why a connection was told to end, until it has.
    private let closing = Mutex<[ConnectionID: CloseReason]>([:])

    init(_ tls: TLSRelay) { self.tls = tls }

    func take(_ connection: HandedConnection) {
        let purpose: TLSConnection.Purpose =
            if case .terminate(let mesh, let callers, _) = connection.action {
                .terminate(mesh: mesh, callers: callers)
            } else {
                .originate
            }
        // A route whose cluster is missing was kept so that it refuses.
        let name = connection.action.cluster
        let upstream = connection.config.upstream(named: name) ?? UpstreamCluster(Cluster(name: name, endpoints: []))
        let header = connection.destination.map { ProxyHeader(.init(source: connection.client, destination: $0)) }
        self.tls.take(
            TLSConnection(
                socket: connection.socket, id: connection.id.rawValue, purpose: purpose, upstream: upstream, preface: header?.bytes ?? []
            ) { outcome in
                connection.finish(self.outcome(outcome, of: connection.id))
            })
    }

    func close(_ id: ConnectionID, reason: CloseReason) {
        self.closing.withLock { $0[id] = reason }
        self.tls.close(id: id.rawValue)
    }

    func recheck(_ id: ConnectionID, callers: CallerRules) { self.tls.recheck(id: id.rawValue, callers: callers) }

    private func outcome(_ outcome: TLSOutcome, of id: ConnectionID) -> HandoffOutcome {
        let asked = self.closing.withLock { $0.removeValue(forKey: id) }
        let verdict: ConnectionRecord.Verdict =
            switch outcome.verdict {
            case .allowed: .allowed
            case .refused(let reason): .refused(reason)
            }
        let reason: CloseReason =
            switch outcome.ending {
            case .finished: .finished
            case .refused: .refused
            case .clientReset: .clientReset
            case .upstreamReset: .upstreamReset
            case .idle: .idleTimeout
            case .failed: .failed
            case .revoked: .routeRemoved
            case .closed: asked ?? .stopped
            }
        return HandoffOutcome(
            verdict: verdict, closeReason: reason, caller: outcome.caller, endpoint: outcome.endpoint,
            connectDuration: outcome.connectDuration, bytesIn: outcome.bytesIn, bytesOut: outcome.bytesOut, detail: outcome.detail)
    }
}
