internal import CurlTransport
internal import FoundationEssentials
internal import KubeAPI

/// Who we are, for each request: keeps what is still good, fetches what is not. Concurrent requests share one fetch.
actor CredentialSource {
    struct Answer: Sendable {
        var authorization: String?
        var tls: TLSSettings
    }

    private struct Kept {
        var answer: Answer
        var goodUntil: ContinuousClock.Instant?
    }

    private let config: ClusterConfig
    private var kept: Kept?
    private var fetch: Task<Kept, any Error>?

    init(_ config: ClusterConfig) { self.config = config }

    /// Whether a refused credential can be had anew.
    nonisolated var isRenewable: Bool {
        switch self.config.credential {
        case .tokenFile, .plugin: true
        case .none, .token, .basic: false
        }
    }

    func current() async throws(KubeError) -> Answer {
        if let kept, kept.goodUntil.map({ .now < $0 }) ?? true { return kept.answer }
        // The task is shared by all who ask meanwhile and is awaited right here; it is not loose.
        let fetch = self.fetch ?? Task { try await self.fetchAnew() }
        self.fetch = fetch
        let result = await fetch.result
        if self.fetch == fetch { self.fetch = nil }
        switch result {
        case .success(let fresh):
            self.kept = fresh
            return fresh.answer
        case .failure(let error):
            throw error as? KubeError ?? .credentials(message: "\(error)")
        }
    }

    /// The server refused what we last gave (401).
    func invalidate() { self.kept = nil }

    private func fetchAnew() async throws(KubeError) -> Kept {
        var answer = Answer(authorization: nil, tls: self.config.tls)
        switch self.config.credential {
        case .none:
            return Kept(answer: answer, goodUntil: nil)
        case .token(let token):
            answer.authorization = "Bearer \(token)"
            return Kept(answer: answer, goodUntil: nil)
        case .basic(let user, let password):
            answer.authorization = "Basic \(Data("\(user):\(password)".utf8).base64EncodedString())"
            return Kept(answer: answer, goodUntil: nil)
        case .tokenFile(let path):
            guard let token = Host.text(of: path)?.trimmed, !token.isEmpty else {
                // A rotation in progress is no reason to stop: the old token is good for a while longer.
                if let kept { return Kept(answer: kept.answer, goodUntil: .now + .seconds(5)) }
                throw .credentials(message: "the token file \(path) is missing or empty: check the pod's volumes or the kubeconfig")
            }
            answer.authorization = "Bearer \(token)"
            return Kept(answer: answer, goodUntil: .now + .seconds(60))
        case .plugin(let plugin):
            let credential = try await plugin.run(server: self.config)
            if let token = credential.token { answer.authorization = "Bearer \(token)" }
            if let certificate = credential.clientCertificate {
                answer.tls.clientCertificate = certificate
                answer.tls.clientKey = credential.clientKey
            }
            // Ten seconds early, so that a request does not arrive with what has just expired. Without an expiry: for good.
            let life = credential.expiry.map { Duration.seconds($0.timeIntervalSinceNow - 10) }
            return Kept(answer: answer, goodUntil: life.map { .now + $0 })
        }
    }
}
