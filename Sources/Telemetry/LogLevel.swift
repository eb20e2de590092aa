package import Logging
import Synchronization

/// From which level on a program logs. Changes count for every logger at once.
package final class LogLevel: Sendable {
    /// Of this process, as `bootstrapLogging` set it up.
    package static let shared = LogLevel(.info)

    /// Position in `Logger.Level.allCases`.
    private let position: Atomic<Int>

    package init(_ level: Logger.Level) { self.position = Atomic(Self.position(of: level)) }

    package var level: Logger.Level {
        get { Logger.Level.allCases[self.position.load(ordering: .relaxed)] }
        set { self.position.store(Self.position(of: newValue), ordering: .relaxed) }
    }

    private static func position(of level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }
}
