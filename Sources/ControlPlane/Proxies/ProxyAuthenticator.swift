import Crypto
import FoundationEssentials
package import KubeAPI
package import Planning
import Synchronization

/// Decides whether a caller may speak for a proxy.
package protocol ProxyAuthenticator: Sendable {
    /// Where the proxies are.
    var home: Home { get }
    /// The caller is who the proxy is: the pod it is named after, the bearer of a token for it.
    func authenticate(token: String, as proxy: ProxyClaim) async throws(AccessRefusal)
    /// And that one may be this proxy.
    /// - Parameter token: authenticated; what it is decides which proxies its bearer can be.
    func authorize(_ proxy: ProxyClaim, token: String) throws(AccessRefusal)
}

/// Asks Kubernetes whom a token belongs to (TokenReview) and compares the answer with the cached pod.
///
/// An accepted token is remembered for 30 s under its SHA-256, so that a proxy's stream, acknowledgements and certificate
/// requests cost one review; the token itself is kept nowhere.
package final class TokenAuthenticator: ProxyAuthenticator {
    package typealias Review = @Sendable (_ token: String, _ audiences: [String]) async throws(KubeError) -> TokenReviewAnswer
    package typealias Evidence = @Sendable (ObjectKey) -> AdmissionEvidence

    private struct Remembered {
        var answer: TokenReviewAnswer
        var until: ContinuousClock.Instant
    }

    private static let memory = Duration.seconds(30)
    private static let maxRemembered = 4096

    private let review: Review
    private let evidence: Evidence
    private let remembered = Mutex<[SHA256Digest: Remembered]>([:])

    package init(review: @escaping Review, evidence: @escaping Evidence) {
        self.review = review
        self.evidence = evidence
    }

    package var home: Home { .kubernetes }

    package func authenticate(token: String, as proxy: ProxyClaim) async throws(AccessRefusal) {
        let key = try Admission.podKey(ofProxy: proxy.id.name)
        let answer = try await self.answer(for: token)
        try Admission.checkBearer(answer, proxy: proxy.id.name, pod: self.evidence(key).pod)
    }

    package func authorize(_ proxy: ProxyClaim, token: String) throws(AccessRefusal) {
        try Admission.checkRole(proxy, self.evidence(try Admission.podKey(ofProxy: proxy.id.name)))
    }

    private func answer(for token: String) async throws(AccessRefusal) -> TokenReviewAnswer {
        let digest = SHA256.hash(data: Data(token.utf8))
        let now = ContinuousClock.now
        if let known = self.remembered.withLock({ $0[digest] }), known.until > now { return known.answer }
        let answer: TokenReviewAnswer
        do {
            answer = try await self.review(token, [Admission.audience])
        } catch {
            throw AccessRefusal(.unavailable, "the control plane cannot ask Kubernetes about the token now: \(error)")
        }
        guard answer.isAuthenticated else { return answer }
        self.remembered.withLock { remembered in
            if remembered.count >= Self.maxRemembered { remembered = remembered.filter { $0.value.until > now } }
            if remembered.count < Self.maxRemembered { remembered[digest] = Remembered(answer: answer, until: now + Self.memory) }
        }
        return answer
    }
}
