package import FoundationEssentials
package import Planning
import Store
import Synchronization

/// Which proxies are there and serve: those with a config stream open, and for a moment those that had one.
///
/// A stream that breaks says little about the proxy, which usually comes back within a second, so it counts for `patience`
/// longer. What was known of before this control plane started counts until the proxies had the time to come back.
package final class Presence: Sendable {
    /// One config stream, open or ended, as overviews show it.
    package struct Stream: Hashable, Sendable {
        package let id: String
        /// Of the process that opened it.
        package let instance: String
        /// Of the proxy's program.
        package let version: String
        package let opened: Date
        package fileprivate(set) var closed: Date?
        /// When a snapshot was last sent.
        package fileprivate(set) var updated: Date?
        package fileprivate(set) var sent = 0
        package fileprivate(set) var acknowledged = 0
        /// Acknowledgements that named items not served.
        package fileprivate(set) var rejected = 0
    }

    /// A certificate this control plane signed, as overviews show it.
    package struct Issued: Hashable, Sendable {
        package var at: Date
        package var until: Date
    }

    /// Streams of one proxy that are remembered.
    private static let historyLength = 2

    private struct State {
        var history: [ProxyID: [Stream]] = [:]
        /// By mesh, the last of each.
        var issued: [ProxyID: [String: Issued]] = [:]
        var open: [ProxyID: Int] = [:]
        /// Those that confirmed a configuration: before that they have nothing to serve.
        var serving: Set<ProxyID> = []
        /// Those that are about to stop, until they open a stream again.
        var withdrawn: Set<ProxyID> = []
        /// Until when those without a stream count.
        var until: [ProxyID: Date] = [:]
    }

    private let state = Mutex(State())
    private let patience: TimeInterval
    private let memory: TimeInterval
    private let changed = Broadcast()

    /// - Parameters:
    ///   - patience: after a stream ended.
    ///   - memory: after our own start.
    package init(patience: Duration = .seconds(10), memory: Duration = .seconds(60)) {
        self.patience = TimeInterval(patience.components.seconds)
        self.memory = TimeInterval(memory.components.seconds)
    }

    /// These were there when the last control plane looked.
    package func remember(_ proxies: some Sequence<ProxyID>, now: Date) {
        self.state.withLock { state in
            for proxy in proxies where state.open[proxy] == nil {
                state.until[proxy] = now + self.memory
                state.serving.insert(proxy)
            }
        }
        self.changed.tell()
    }

    /// The replica that had their streams is gone. They serve, and have the time that those have whose stream has ended.
    package func miss(_ proxies: Set<ProxyID>, now: Date) {
        if proxies.isEmpty { return }
        self.state.withLock { state in
            for proxy in proxies where state.open[proxy] == nil && !state.withdrawn.contains(proxy) {
                state.until[proxy] = now + self.patience
                state.serving.insert(proxy)
            }
        }
        self.changed.tell()
    }

    /// - Returns: the stream's id, for `closed`.
    func opened(_ proxy: ProxyID, instance: String, version: String, now: Date) -> String {
        let stream = Stream(id: UUID().uuidString.lowercased(), instance: instance, version: version, opened: now)
        let isNew = self.state.withLock { state in
            state.open[proxy, default: 0] += 1
            let comesBack = state.withdrawn.remove(proxy) != nil
            state.history[proxy] = (state.history[proxy] ?? []).suffix(Self.historyLength - 1) + [stream]
            return state.until.removeValue(forKey: proxy) == nil && state.open[proxy] == 1 || comesBack
        }
        if isNew { self.changed.tell() }
        return stream.id
    }

    /// A snapshot was sent to the proxy.
    func sent(to proxy: ProxyID, now: Date) {
        self.updateNewest(of: proxy) { stream in
            stream.sent += 1
            stream.updated = now
        }
    }

    func acknowledged(by proxy: ProxyID, hasErrors: Bool) {
        let isFirst = self.state.withLock { $0.serving.insert(proxy).inserted }
        if isFirst { self.changed.tell() }
        self.updateNewest(of: proxy) { stream in
            if hasErrors { stream.rejected += 1 } else { stream.acknowledged += 1 }
        }
    }

    func issued(to proxy: ProxyID, mesh: String, _ issued: Issued) {
        self.state.withLock { $0.issued[proxy, default: [:]][mesh] = issued }
    }

    /// What was signed for a proxy since this control plane started, the last in each mesh.
    package func issued(to proxy: ProxyID) -> [String: Issued] { self.state.withLock { $0.issued[proxy] ?? [:] } }

    private func updateNewest(of proxy: ProxyID, _ change: (inout Stream) -> Void) {
        self.state.withLock { state in
            guard var history = state.history[proxy], !history.isEmpty else { return }
            change(&history[history.count - 1])
            state.history[proxy] = history
        }
    }

    /// The proxy's last streams, the newest last.
    package func history(of proxy: ProxyID) -> [Stream] { self.state.withLock { $0.history[proxy] ?? [] } }

    /// Forgets the streams of proxies that are gone for good.
    package func keepHistory(of proxies: Set<ProxyID>) {
        self.state.withLock { state in
            state.history = state.history.filter { proxies.contains($0.key) || state.open[$0.key] != nil }
            state.issued = state.issued.filter { proxies.contains($0.key) || state.open[$0.key] != nil }
        }
    }

    func closed(_ proxy: ProxyID, stream: String, now: Date) {
        let isLast = self.state.withLock { state in
            if let index = state.history[proxy]?.firstIndex(where: { $0.id == stream }) { state.history[proxy]?[index].closed = now }
            let left = (state.open[proxy] ?? 0) - 1
            state.open[proxy] = left > 0 ? left : nil
            // One that said good-bye is not waited for.
            if left <= 0, state.withdrawn.remove(proxy) == nil { state.until[proxy] = now + self.patience }
            return left <= 0
        }
        // Not to change anything now, but to look again in time.
        if isLast { self.changed.tell() }
    }

    /// It is about to stop. Returns whether that is news. What another process of its name says, one that was refused for
    /// instance, is not about it.
    func withdrawn(_ proxy: ProxyID, instance: String) -> Bool {
        let isNews = self.state.withLock { state in
            let streams = state.history[proxy] ?? []
            guard streams.last?.instance == instance, streams.allSatisfy({ $0.closed != nil || $0.instance == instance }) else {
                return false
            }
            state.until[proxy] = nil
            return state.open[proxy] != nil && state.withdrawn.insert(proxy).inserted
        }
        self.changed.tell()
        return isNews
    }

    /// It has said that it is coming.
    func announced(_ proxy: ProxyID, now: Date) {
        self.state.withLock { state in
            if state.open[proxy] == nil { state.until[proxy] = now + self.patience }
        }
        self.changed.tell()
    }

    func hasStream(_ proxy: ProxyID) -> Bool { self.state.withLock { $0.open[proxy] != nil } }

    /// Yields after each change.
    package func changes() -> AsyncStream<Void> { self.changed.listen() }

    /// Those that others may send to: there, and with a configuration confirmed.
    package func online(at now: Date) -> Set<ProxyID> {
        let present = self.present(at: now)
        return self.state.withLock { state in
            state.serving.formIntersection(present)
            return state.serving.subtracting(state.withdrawn)
        }
    }

    /// Those that are there, or have said that they are coming.
    package func present(at now: Date) -> Set<ProxyID> {
        self.state.withLock { state in
            state.until = state.until.filter { $0.value > now }
            return Set(state.open.keys).union(state.until.keys)
        }
    }

    /// When somebody goes without another word.
    package func nextChange(after now: Date) -> Date? { self.state.withLock { $0.until.values.filter { $0 > now }.min() } }
}
