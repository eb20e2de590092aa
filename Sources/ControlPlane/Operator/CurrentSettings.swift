package import Planning
import Synchronization

/// The settings as they are now, for those who do not plan.
package final class CurrentSettings: Sendable {
    private let source: any WorldSource
    private let reader = Mutex(SettingsReader())

    package init(_ source: any WorldSource) { self.source = source }

    /// Nil before there are any.
    package var value: EgretSettings? {
        self.reader.withLock { reader in
            _ = self.source.readSettings(&reader)
            return reader.settings
        }
    }
}
