import ConfigSync
import FoundationEssentials
import Logging
import Synchronization
import Telemetry
import ZoneSync

/// Where a zone keeps what came from the global control plane.
protocol ReplicaKeeper: Sendable {
    /// Makes what is kept be what is wanted.
    /// - Returns: what cannot be kept as it is, and what gave way to it, a sentence each.
    func keep(_ wanted: [SharedItem]) async throws -> [String]

    /// Yields when what is kept may have changed.
    func changes() -> any AsyncSequence<Void, Never> & Sendable
}

/// Keeps what the global control plane wants kept: when it says so, and when somebody else has changed it.
final class Replicator: Sendable {
    /// What the zone says of it.
    struct State: Hashable, Sendable {
        /// The hash of what is kept.
        var applied: String?
        var problems: [String] = []
    }

    private struct Held {
        /// What came last; nil until something came, and then nothing is touched.
        var wanted: ConfigText?
        var state = State()
    }

    private let keeper: any ReplicaKeeper
    private let metrics: GlobalLinkMetrics
    private let logger: Logger
    private let held = Mutex(Held())
    private let wake = Wake()

    init(keeper: any ReplicaKeeper, metrics: GlobalLinkMetrics, logger: Logger) {
        self.keeper = keeper
        self.metrics = metrics
        self.logger = logger
    }

    func want(_ text: ConfigText) {
        self.held.withLock { $0.wanted = text }
        self.wake.up()
    }

    var state: State { self.held.withLock { $0.state } }

    private static let retry = Duration.seconds(2)

    /// Until cancelled.
    /// - Parameter onChange: told when `state` has changed.
    func run(_ onChange: @escaping @Sendable () -> Void) async {
        let changes = self.keeper.changes()
        await withTaskGroup { group in
            group.addTask { for await _ in changes { self.wake.up() } }
            group.addTask {
                for await _ in self.wake.stream {
                    if await self.keep() { onChange() }
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// Returns whether there is something new to say.
    private func keep() async -> Bool {
        guard let wanted = self.held.withLock({ $0.wanted }) else { return false }
        let (items, unreadable) = SharedText.items(wanted)
        let before = self.state
        var problems: [String]
        do {
            problems = try await self.keeper.keep(items.map(Replica.item))
        } catch is CancellationError {
            return false
        } catch {
            if before.problems != ["\(error)"] {
                self.logger.warning("Could not keep what came from the global control plane; trying again", metadata: ["cause": "\(error)"])
            }
            self.held.withLock { $0.state.problems = ["\(error)"] }
            try? await Task.sleep(for: Self.retry)
            self.wake.up()
            return before.problems != ["\(error)"]
        }
        if unreadable > 0 { problems.append("\(unreadable) items have a form that this program does not know") }
        for sentence in problems where !before.problems.contains(sentence) {
            self.logger.warning("Something of the global control plane's needs a look", metadata: ["why": "\(sentence)"])
        }
        let state = State(applied: wanted.hash, problems: problems)
        if before.applied != state.applied {
            self.logger.info(
                "Keeping what the global control plane has",
                metadata: ["items": "\(items.count)", "config.hash": "\(wanted.hash.prefix(12))"])
        }
        self.metrics.problems.set(Double(problems.count))
        self.held.withLock { $0.state = state }
        return state != before
    }
}
