package import ConfigSync
package import Planning
import Routing
import Synchronization

/// What proxies said about the snapshots they were sent, newest per proxy.
///
/// It lives in this replica's memory, and the leader folds it into conditions. With one replica that is everything; with
/// several, an acknowledgement that reached a replica which does not lead is not shown until it is published by object.
package final class AcknowledgementBook: Sendable {
    private let entries = Mutex<[String: ConfigSync.Acknowledgement]>([:])
    /// Yields after each change.
    package let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation

    package init() { (self.changes, self.changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    package func record(_ acknowledgement: ConfigSync.Acknowledgement) {
        let isNews = self.entries.withLock { entries in
            let before = entries.updateValue(acknowledgement, forKey: acknowledgement.proxy)
            return before != acknowledgement
        }
        if isNews { self.changed.yield() }
    }

    /// What a proxy said last; names are unique over all kinds, because on Kubernetes they are pods.
    package subscript(_ proxy: ProxyID) -> Planning.Acknowledgement? {
        self.entries.withLock { $0[proxy.name] }.map { said in
            Planning.Acknowledgement(hash: said.hash, errors: said.errors)
        }
    }

    /// Forgets proxies that are gone.
    package func keep(where isAlive: (String) -> Bool) {
        self.entries.withLock { entries in entries = entries.filter { isAlive($0.key) } }
    }
}
