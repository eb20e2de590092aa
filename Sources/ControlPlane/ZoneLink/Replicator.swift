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

    /// Another number when any resource of a shared kind is another: most changes are of something else.
    var stamp: Int { get }

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

    /// What came last.
    private struct Wanted {
        var hash: String
        var items: [SharedItem]
        var unknown: Int
    }

    private struct Held {
        /// Nil until something came: nothing is touched then.
        var wanted: Wanted?
        var state = State()
        /// How the keeper was when all was as `state` says.
        var stamp: Int?
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
        let (items, unknown) = Replica.items(text)
        let wanted = Wanted(hash: text.hash, items: items, unknown: unknown)
        self.held.withLock { $0.wanted = wanted }
        self.wake.up()
    }

    var state: State { self.held.withLock { $0.state } }

    private static let retry = Duration.seconds(2)
    private static let look = Duration.seconds(30)
    /// Between two looks.
    private static let pause = Duration.milliseconds(100)

    /// Until cancelled.
    /// - Parameter onChange: told when `state` has changed.
    func run(_ onChange: @escaping @Sendable () -> Void) async {
        let changes = self.keeper.changes()
        await withTaskGroup { group in
            group.addTask { for await _ in changes { self.wake.up() } }
            // What could not be written may be possible by now.
            group.addTask { while (try? await Task.sleep(for: Self.look)) != nil { self.wake.up() } }
            group.addTask {
                for await _ in self.wake.stream {
                    if await self.keep() { onChange() }
                    guard (try? await Task.sleep(for: Self.pause)) != nil else { return }
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// Returns whether there is something new to say.
    private func keep() async -> Bool {
        guard let wanted = self.held.withLock({ $0.wanted }) else { return false }
        let before = self.state
        let stamp = self.keeper.stamp
        if before == State(applied: wanted.hash), self.held.withLock({ $0.stamp }) == stamp { return false }
        var problems: [String]
        do {
            problems = try await self.keeper.keep(wanted.items)
        } catch is CancellationError {
            return false
        } catch {
            if before.problems != ["\(error)"] {
                self.logger.warning("Could not keep what came from the global control plane; trying again", metadata: ["cause": "\(error)"])
            }
            self.held.withLock { held in
                held.state.problems = ["\(error)"]
                held.stamp = nil
            }
            try? await Task.sleep(for: Self.retry)
            self.wake.up()
            return before.problems != ["\(error)"]
        }
        if wanted.unknown > 0 { problems.append("\(wanted.unknown) items have a form that this program does not know") }
        for sentence in problems where !before.problems.contains(sentence) {
            self.logger.warning("Something of the global control plane's needs a look", metadata: ["why": "\(sentence)"])
        }
        let state = State(applied: wanted.hash, problems: problems)
        if before.applied != state.applied {
            self.logger.info(
                "Keeping what the global control plane has",
                metadata: ["items": "\(wanted.items.count)", "config.hash": "\(wanted.hash.prefix(12))"])
        }
        self.metrics.problems.set(Double(problems.count))
        self.held.withLock { held in
            held.state = state
            held.stamp = stamp
        }
        return state != before
    }
}
