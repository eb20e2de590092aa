import Synchronization

/// Tells any number of listeners that something has changed. Several changes may reach a slow one as one.
package final class Broadcast: Sendable {
    private let listeners = Mutex<[Int: AsyncStream<Void>.Continuation]>([:])

    package init() {}

    /// Hears of every change from this call on. Ends with its reader.
    package func listen() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = self.listeners.withLock { listeners in
            let id = (listeners.keys.max() ?? 0) + 1
            listeners[id] = continuation
            return id
        }
        continuation.onTermination = { [weak self] _ in self?.forget(id) }
        return stream
    }

    package func tell() {
        for listener in self.listeners.withLock({ Array($0.values) }) { listener.yield() }
    }

    private func forget(_ id: Int) { self.listeners.withLock { _ = $0.removeValue(forKey: id) } }
}
