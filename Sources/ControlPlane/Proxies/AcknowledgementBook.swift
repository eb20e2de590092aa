package import Planning
import Synchronization

/// What proxies said about the snapshots they were sent, newest per proxy.
///
/// It lives in this replica's memory, and the leader folds it into conditions. With one replica that is everything; with
/// several, an acknowledgement that reached a replica which does not lead is not shown until it is published by object.
package final class AcknowledgementBook: Sendable {
    private let entries = Mutex<[ProxyID: Planning.Acknowledgement]>([:])
    /// Yields after each change.
    package let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation

    package init() { (self.changes, self.changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    package func record(_ acknowledgement: Planning.Acknowledgement, of proxy: ProxyID) {
        let isNews = self.entries.withLock { $0.updateValue(acknowledgement, forKey: proxy) != acknowledgement }
        if isNews { self.changed.yield() }
    }

    /// What every proxy said last.
    package var all: [ProxyID: Planning.Acknowledgement] { self.entries.withLock { $0 } }

    /// Forgets proxies that are gone.
    package func keep(where isAlive: (ProxyID) -> Bool) {
        self.entries.withLock { entries in entries = entries.filter { isAlive($0.key) } }
    }
}
