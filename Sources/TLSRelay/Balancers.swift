import Routing
import Synchronization

/// Chooses endpoints for connections whose TLS this proxy ends or begins. Counts and health are shared with those that pass through.
final class Balancers: Sendable {
    /// One connection's claim on an endpoint, until `failed` or `ended`.
    struct Claim {
        fileprivate let upstream: UpstreamCluster
        fileprivate var attempt: UpstreamCluster.Attempt
    }

    private let generator = Mutex(FastGenerator())

    /// Begins an attempt on the best endpoint not yet tried; nil when none is left.
    func begin(_ upstream: UpstreamCluster, now: Int64, tried: inout Tried) -> (claim: Claim, endpoint: Endpoint)? {
        let before = tried
        guard let attempt = self.generator.withLock({ upstream.begin(excluding: before, now: now, using: &$0) }) else { return nil }
        tried.insert(attempt.place)
        return (Claim(upstream: upstream, attempt: attempt), upstream.endpoints[attempt.place])
    }

    func connected(_ claim: inout Claim) { claim.upstream.connected(&claim.attempt) }
    func failed(_ claim: Claim, now: Int64) { claim.upstream.failed(claim.attempt, now: now) }
    func ended(_ claim: Claim) { claim.upstream.ended(claim.attempt) }
}

extension Endpoint {
    var label: String { self.address.contains(":") ? "[\(self.address)]:\(self.port)" : "\(self.address):\(self.port)" }
}
