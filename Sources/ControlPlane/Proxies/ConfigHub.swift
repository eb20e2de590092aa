package import ConfigSync
import Crypto
import FoundationEssentials
import JSONModel
import Planning
package import Routing
import Synchronization

/// Hands each connected proxy its newest configuration.
///
/// A session holds only the latest snapshot, so a proxy that reads slowly misses intermediate ones and delays nobody;
/// a snapshot with the hash the proxy already has is never sent.
package final class ConfigHub: Sendable {
    private struct State {
        var world: (any ProxyWorld)?
        /// Counts worlds, so that a session never goes back to an older one.
        var version = 0
        var sessions: [Int: ConfigSession] = [:]
        var nextID = 0
    }

    private let state = Mutex(State())
    let presence: Presence

    package init(presence: Presence) { self.presence = presence }

    /// A new world: every connected proxy whose configuration differs hears of it.
    package func publish(_ world: any ProxyWorld) {
        let (sessions, version) = self.state.withLock { state in
            state.world = world
            state.version += 1
            return (Array(state.sessions.values), state.version)
        }
        var snapshots: [ProxyID: Snapshot?] = [:]
        for session in sessions {
            let snapshot = snapshots[session.proxy] ?? Self.snapshot(for: session.proxy, in: world)
            snapshots[session.proxy] = snapshot
            session.planned(snapshot, version: version)
        }
    }

    package var world: (any ProxyWorld)? { self.state.withLock { $0.world } }

    /// Opens a session; `close` it when the stream ends.
    /// - Parameter program: the version of the proxy's program, for people.
    func open(_ proxy: ProxyID, have: String?, program: String) -> ConfigSession {
        let stream = self.presence.opened(proxy, version: program, now: Date())
        let (session, world, version) = self.state.withLock { state in
            let session = ConfigSession(id: state.nextID, stream: stream, proxy: proxy, have: have)
            state.nextID += 1
            state.sessions[session.id] = session
            return (session, state.world, state.version)
        }
        if let world { session.planned(Self.snapshot(for: proxy, in: world), version: version) }
        return session
    }

    func close(_ session: ConfigSession) {
        let wasOpen = self.state.withLock { $0.sessions.removeValue(forKey: session.id) != nil }
        if wasOpen { self.presence.closed(session.proxy, stream: session.stream, now: Date()) }
        session.finish()
    }

    private static func snapshot(for proxy: ProxyID, in world: any ProxyWorld) -> Snapshot? {
        world.config(for: proxy).map(Snapshot.init(of:))
    }
}

extension Snapshot {
    /// Names a configuration by the SHA-256 of its canonical text.
    package init(of config: ProxyConfig) {
        guard let json = try? JSON(encoding: config) else { preconditionFailure("a configuration always encodes") }
        let hash = SHA256.hash(data: json.data).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        self.init(hash: hash, config: json)
    }
}

/// One open stream. `wakes` yields whenever it is worth asking `next`, and ends when the stream should.
final class ConfigSession: Sendable {
    private struct State {
        var subscription: Subscription
        var version = 0
    }

    let id: Int
    /// Its name in the presence book.
    let stream: String
    let proxy: ProxyID
    let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation
    private let state: Mutex<State>

    init(id: Int, stream: String, proxy: ProxyID, have: String?) {
        self.id = id
        self.stream = stream
        self.proxy = proxy
        self.state = Mutex(State(subscription: Subscription(have: have)))
        (self.wakes, self.wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func planned(_ snapshot: Snapshot?, version: Int) {
        let isNew = self.state.withLock { state in
            guard version > state.version || state.version == 0 else { return false }
            state.version = version
            guard let snapshot else { return false }
            state.subscription.planned(snapshot)
            return true
        }
        if isNew { self.wakeUp() }
    }

    func next() -> Subscription.Next { self.state.withLock { $0.subscription.next() } }

    func wakeUp() { self.wake.yield() }

    func finish() { self.wake.finish() }
}
