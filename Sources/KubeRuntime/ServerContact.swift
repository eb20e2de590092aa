import CurlTransport
import Logging
import Synchronization

/// Whether the API server answers, told once per change: many watches and writes fail together and mean one thing.
final class ServerContact: Sendable {
    private enum State {
        /// To `answers` or `lost`.
        case unknown
        /// To `lost`.
        case answers
        /// To `answers`.
        case lost(since: ContinuousClock.Instant)
    }

    private let server: String
    private let logger: Logger
    private let state = Mutex(State.unknown)

    init(server: String, logger: Logger) {
        self.server = server
        self.logger = logger
    }

    func answered() {
        let lostSince = self.state.withLock { state -> ContinuousClock.Instant? in
            defer { state = .answers }
            if case .lost(let since) = state { return since }
            return nil
        }
        guard let lostSince else { return }
        let seconds = (ContinuousClock.now - lostSince).components.seconds
        self.logger.info("The API server answers again", metadata: ["k8s.server": "\(self.server)", "after": "\(seconds) s"])
    }

    func failed(_ error: TransportError) {
        guard error.code != .cancelled, error.code != .closed else { return }
        let isNews = self.state.withLock { state in
            if case .lost = state { return false }
            state = .lost(since: .now)
            return true
        }
        guard isNews else { return }
        self.logger.warning(
            "The API server cannot be reached; trying until it answers", metadata: ["k8s.server": "\(self.server)", "reason": "\(error)"])
    }
}
