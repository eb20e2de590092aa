package import CurlTransport
private import FoundationEssentials
package import JSONModel
package import KubeAPI
package import Logging
private import Synchronization

/// Talks to one API server: adds who asks, keeps to a rate, obeys Retry-After, repeats what may be repeated.
///
/// What it repeats, at most `maxAttempts` times in all:
/// - anything, when it certainly never reached the server, or the server said 429 (or 503 with Retry-After);
/// - idempotent requests, when the answer was lost or was 500, 502, 503 or 504;
/// - anything, once, with fresh credentials, when the server said 401 and fresh ones can be had.
package final class KubeClient: Sendable {
    /// Requests per second over time, and how many may go at once.
    package struct Rate: Sendable {
        package var perSecond: Double
        package var burst: Int

        package init(perSecond: Double = 50, burst: Int = 100) {
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    /// How hard one call tries.
    package struct Effort: Sendable {
        package var maxAttempts: Int
        /// For each attempt.
        package var timeout: Duration

        package init(maxAttempts: Int = 5, timeout: Duration = .seconds(30)) {
            self.maxAttempts = maxAttempts
            self.timeout = timeout
        }
    }

    package let config: ClusterConfig
    private let transport: CurlTransport
    private let userAgent: String
    private let logger: Logger
    private let credentials: CredentialSource
    private let bucket: Mutex<TokenBucket<ContinuousClock.Instant>>
    private let backoff = Backoff(base: .milliseconds(200), cap: .seconds(10))
    private let metrics: KubeClientMetrics?
    private let contact: ServerContact

    package init(
        _ config: ClusterConfig, transport: CurlTransport = CurlTransport(), userAgent: String, rate: Rate = Rate(),
        metrics: KubeClientMetrics? = nil, logger: Logger = Logger(label: "egret.kube")
    ) {
        self.config = config
        self.transport = transport
        self.userAgent = userAgent
        self.logger = logger
        self.credentials = CredentialSource(config)
        self.bucket = Mutex(TokenBucket(perSecond: rate.perSecond, burst: rate.burst))
        self.metrics = metrics
        self.contact = ServerContact(server: config.server, logger: logger)
    }

    /// The answer's JSON; any status but 2xx is thrown.
    @discardableResult
    package func send(_ request: KubeRequest, effort: Effort = Effort()) async throws(KubeError) -> JSON {
        let response = try await self.response(to: request, effort: effort)
        guard !response.body.isEmpty else { return .null }
        do {
            return try JSON(parsing: Data(response.body))
        } catch {
            throw .server(KubeStatus(code: response.status, reason: "", message: "the answer to \(Self.name(request)) is \(error)"))
        }
    }

    /// The answer's raw text (pod logs, `/version`, `/openapi`).
    package func sendText(_ request: KubeRequest, effort: Effort = Effort()) async throws(KubeError) -> String {
        try await self.response(to: request, effort: effort).text
    }

    /// A streamed answer (watch, `log?follow=true`). `idle` is the longest silence. Nothing is repeated but for 401.
    package func stream(_ request: KubeRequest, idle: Duration?) async throws(KubeError) -> HTTPStream {
        var mayRenew = self.credentials.isRenewable
        while true {
            try await self.waitForRate()
            let http = try await self.http(request, timeout: idle)
            let stream: HTTPStream
            do throws(TransportError) {
                stream = try await self.transport.stream(http)
            } catch {
                self.metrics?.count(request, code: "error")
                self.contact.failed(error)
                throw self.failure(error)
            }
            self.contact.answered()
            self.metrics?.count(request, code: "\(stream.status)")
            if (200..<300).contains(stream.status) { return stream }
            let error = self.error(status: stream.status, headers: stream.headers, body: await Self.start(of: stream.body), request)
            guard case .unauthorized = error, mayRenew else { throw error }
            mayRenew = false
            await self.credentials.invalidate()
        }
    }

    private func response(to request: KubeRequest, effort: Effort) async throws(KubeError) -> HTTPResponse {
        var mayRenew = self.credentials.isRenewable
        var attempt = 1
        while true {
            let error: KubeError
            do throws(KubeError) {
                return try await self.attempt(request, timeout: effort.timeout)
            } catch let failure {
                error = failure
            }
            if case .unauthorized = error, mayRenew {
                mayRenew = false
                await self.credentials.invalidate()
                continue
            }
            guard attempt < effort.maxAttempts, let delay = self.delayBeforeRepeating(request, after: error, attempt: attempt) else {
                throw error
            }
            self.logger.debug(
                "The API server did not serve a request; asking again",
                metadata: [
                    "http.request": "\(Self.name(request))", "reason": "\(error)", "attempt": "\(attempt)", "retry.after": "\(delay)",
                ])
            try await Self.sleep(delay)
            attempt += 1
        }
    }

    private func attempt(_ request: KubeRequest, timeout: Duration) async throws(KubeError) -> HTTPResponse {
        try await self.waitForRate()
        let http = try await self.http(request, timeout: timeout)
        let response: HTTPResponse
        do throws(TransportError) {
            response = try await self.transport.send(http)
        } catch {
            self.metrics?.count(request, code: "error")
            self.contact.failed(error)
            throw self.failure(error)
        }
        self.contact.answered()
        self.metrics?.count(request, code: "\(response.status)")
        if response.isSuccess { return response }
        throw self.error(status: response.status, headers: response.headers, body: response.body, request)
    }

    /// Nil: do not repeat.
    private func delayBeforeRepeating(_ request: KubeRequest, after error: KubeError, attempt: Int) -> Duration? {
        var generator = SystemRandomNumberGenerator()
        let delay = self.backoff.delay(failures: attempt, using: &generator)
        switch error {
        case .throttled(_, let retryAfter): return min(max(retryAfter, delay), .seconds(60))
        case .transport(_, let isSafeToRepeat): return isSafeToRepeat || request.isIdempotent ? delay : nil
        case .server(let status): return request.isIdempotent && [500, 502, 503, 504].contains(status.code) ? delay : nil
        default: return nil
        }
    }

    private func waitForRate() async throws(KubeError) {
        let delay = self.bucket.withLock { $0.take(now: .now) }
        if delay > .zero { try await Self.sleep(delay) }
    }

    private static func sleep(_ delay: Duration) async throws(KubeError) {
        do { try await Task.sleep(for: delay) } catch { throw .cancelled }
    }

    private func http(_ request: KubeRequest, timeout: Duration?) async throws(KubeError) -> HTTPRequest {
        let credential = try await self.credentials.current()
        var headers = [HTTPHeader("accept", request.accept), HTTPHeader("user-agent", self.userAgent)]
        if let type = request.contentType { headers.append(HTTPHeader("content-type", type)) }
        if let authorization = credential.authorization { headers.append(HTTPHeader("authorization", authorization)) }
        return HTTPRequest(
            request.method.rawValue, self.config.server + request.target, headers: headers, body: request.body.map { [UInt8]($0.data) },
            timeout: timeout, tls: credential.tls, proxy: self.config.proxy, isIdempotent: request.isIdempotent)
    }
}
