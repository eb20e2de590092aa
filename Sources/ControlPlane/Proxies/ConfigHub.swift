import ConfigSync
import FoundationEssentials
import Planning
import Routing
import Synchronization

/// Hands each connected proxy its newest configuration.
///
/// A session holds only the latest one, so a proxy that reads slowly misses intermediate ones and delays nobody; a configuration
/// with the hash the proxy already has is never sent. What proxies were sent last is remembered for a while after their streams
/// have ended, so that a proxy that was cut off goes on with a difference.
package final class ConfigHub: Sendable {
    private struct State {
        var world: (any ProxyWorld)?
        /// Counts worlds, so that a session never goes back to an older one.
        var version = 0
        var sessions: [Int: ConfigSession] = [:]
        var nextID = 0
        /// What proxies without a stream were sent, and when the stream ended.
        var left: [ProxyID: (texts: [ConfigText], at: Date)] = [:]
    }

    private let state = Mutex(State())
    private let texts = ConfigTexts()
    let presence: Presence
    let questions = Questions()

    /// How long a proxy may be away and still go on with a difference.
    private static let memory: TimeInterval = 600

    package init(presence: Presence) { self.presence = presence }

    /// A new world: every connected proxy whose configuration differs hears of it.
    package func publish(_ world: any ProxyWorld) {
        let now = Date()
        let (sessions, version) = self.state.withLock { state in
            state.world = world
            state.version += 1
            state.left = state.left.filter { $0.value.at + Self.memory > now }
            return (Array(state.sessions.values), state.version)
        }
        let connected = Set(sessions.map(\.proxy))
        self.texts.forget { !connected.contains($0) }
        for session in sessions { session.planned(self.texts.text(of: session.proxy, in: world), version: version) }
    }

    /// The newest stream of a proxy.
    func session(of proxy: ProxyID) -> ConfigSession? {
        self.state.withLock { $0.sessions.values.filter { $0.proxy == proxy }.max { $0.id < $1.id } }
    }

    package var world: (any ProxyWorld)? { self.state.withLock { $0.world } }

    /// Opens a session; `close` it when the stream ends.
    /// - Parameters:
    ///   - have: the hash of what the proxy serves.
    ///   - program: the version of the proxy's program, for people.
    func open(_ proxy: ProxyID, have: String?, program: String) -> ConfigSession {
        let stream = self.presence.opened(proxy, version: program, now: Date())
        let (session, world, version) = self.state.withLock { state in
            var known = state.left.removeValue(forKey: proxy)?.texts ?? []
            // A stream that was cut may not have been missed yet.
            for session in state.sessions.values where session.proxy == proxy { known += session.sent }
            let session = ConfigSession(id: state.nextID, stream: stream, proxy: proxy, have: have, known: known, differences: self.texts)
            state.nextID += 1
            state.sessions[session.id] = session
            return (session, state.world, state.version)
        }
        if let world { session.planned(self.texts.text(of: proxy, in: world), version: version) }
        return session
    }

    func close(_ session: ConfigSession) {
        let wasOpen = self.state.withLock { state in
            let wasOpen = state.sessions.removeValue(forKey: session.id) != nil
            if wasOpen { state.left[session.proxy] = (session.sent, Date()) }
            return wasOpen
        }
        if wasOpen { self.presence.closed(session.proxy, stream: session.stream, now: Date()) }
        session.finish()
    }
}

/// The configurations of connected proxies as text. Proxies of one shape share what is the same, and each change is compared once.
final class ConfigTexts: Sendable {
    private struct State {
        var encoder = ConfigEncoder()
        var encoded: [ProxyID: EncodedConfig] = [:]
    }

    private let state = Mutex(State())
    private let differences = Mutex(DifferenceCache())

    /// Nil when there is no such proxy.
    func text(of proxy: ProxyID, in world: any ProxyWorld) -> ConfigText? {
        guard let config = world.config(for: proxy) else { return nil }
        return self.state.withLock { state in
            let encoded = state.encoder.encode(config, after: state.encoded[proxy])
            state.encoded[proxy] = encoded
            return encoded.text
        }
    }

    func forget(where isGone: (ProxyID) -> Bool) {
        self.state.withLock { state in state.encoded = state.encoded.filter { !isGone($0.key) } }
        self.differences.withLock { $0.clear() }
    }

    func next(_ subscription: inout Subscription) -> OutgoingConfig? { self.differences.withLock { subscription.next(cache: &$0) } }
}

/// One open stream. `wakes` yields whenever it is worth asking `next`, and ends when the stream should.
final class ConfigSession: Sendable {
    private struct State {
        var subscription: Subscription
        var version = 0
        /// What was sent, the newest last: the proxy may have got any of it.
        var sent: [ConfigText]
        /// To be sent.
        var questions: [Question] = []
    }

    /// A proxy that is cut off while it reads may have no more than what came before the last ones.
    private static let remembered = 4

    let id: Int
    /// Its name in the presence book.
    let stream: String
    let proxy: ProxyID
    let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation
    private let differences: ConfigTexts
    private let state: Mutex<State>

    init(id: Int, stream: String, proxy: ProxyID, have: String?, known: [ConfigText], differences: ConfigTexts) {
        self.id = id
        self.stream = stream
        self.proxy = proxy
        self.differences = differences
        self.state = Mutex(State(subscription: Subscription(have: have, known: known), sent: known))
        (self.wakes, self.wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func planned(_ text: ConfigText?, version: Int) {
        let isNew = self.state.withLock { state in
            guard version > state.version || state.version == 0 else { return false }
            state.version = version
            guard let text else { return false }
            return state.subscription.planned(text)
        }
        if isNew { self.wakeUp() }
    }

    func ask(_ question: Question) {
        self.state.withLock { $0.questions.append(question) }
        self.wakeUp()
    }

    /// Questions to write, each once.
    func nextQuestions() -> [Question] {
        self.state.withLock { state in
            defer { state.questions = [] }
            return state.questions
        }
    }

    /// What to write next; nil: nothing new.
    func next() -> OutgoingConfig? {
        self.state.withLock { state in
            Self.remember(&state)
            return self.differences.next(&state.subscription)
        }
    }

    /// What the proxy was sent last, or said that it has; the newest last.
    var sent: [ConfigText] {
        self.state.withLock { state in
            Self.remember(&state)
            return state.sent
        }
    }

    private static func remember(_ state: inout State) {
        guard let sent = state.subscription.sent, sent != state.sent.last else { return }
        state.sent = state.sent.suffix(Self.remembered - 1) + [sent]
    }

    func wakeUp() { self.wake.yield() }

    func finish() { self.wake.finish() }
}
