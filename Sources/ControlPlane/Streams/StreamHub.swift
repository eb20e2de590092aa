import ConfigSync
import FoundationEssentials
import Synchronization

/// Hands each connected peer its newest text: proxies their configurations, zones what all share.
///
/// A stream holds only the latest one, so a peer that reads slowly misses intermediate ones and delays nobody; a text with the
/// hash the peer already has is never sent. What peers were sent last is remembered for a while after their streams have ended,
/// so that one that was cut off goes on with a difference.
final class StreamHub<Peer: Hashable & Sendable>: Sendable {
    typealias Texts = @Sendable (Peer) -> ConfigText?

    private struct State {
        var texts: Texts?
        /// Counts what was published, so that a stream never goes back to something older.
        var version = 0
        var streams: [Int: OutgoingStream<Peer>] = [:]
        var nextID = 0
        /// What peers without a stream were sent, and when the stream ended.
        var left: [Peer: (texts: [ConfigText], at: Date)] = [:]
    }

    private let state = Mutex(State())
    private let differences = SharedDifferences()

    /// How long a peer may be away and still go on with a difference.
    private static var memory: TimeInterval { 600 }

    /// News: every connected peer whose text differs hears of it, or of them those that are meant; the others when they are told, and
    /// who connects from now on at once. Returns who is connected.
    /// - Parameter texts: nil for a peer that there is not (any more), which keeps what it was sent last.
    @discardableResult
    func publish(_ texts: @escaping Texts, to isMeant: (Peer) -> Bool = { _ in true }) -> Set<Peer> {
        let now = Date()
        let peers = self.state.withLock { state in
            state.texts = texts
            state.version += 1
            state.left = state.left.filter { $0.value.at + Self.memory > now }
            return Set(state.streams.values.map(\.peer))
        }
        self.differences.forget()
        self.tell(isMeant)
        return peers
    }

    /// Tells the newest news.
    func tell(_ isMeant: (Peer) -> Bool) {
        let (streams, texts, version) = self.state.withLock { (Array($0.streams.values), $0.texts, $0.version) }
        guard let texts else { return }
        for stream in streams where isMeant(stream.peer) { stream.planned(texts(stream.peer), version: version) }
    }

    /// The newest stream of a peer.
    func stream(of peer: Peer) -> OutgoingStream<Peer>? {
        self.state.withLock { $0.streams.values.filter { $0.peer == peer }.max { $0.id < $1.id } }
    }

    /// Opens a stream; `close` it when it ends.
    /// - Parameters:
    ///   - have: the hash of what the peer has.
    ///   - name: of the stream, for whoever keeps books.
    func open(_ peer: Peer, have: String?, name: String) -> OutgoingStream<Peer> {
        let (stream, texts, version) = self.state.withLock { state in
            var known = state.left.removeValue(forKey: peer)?.texts ?? []
            // A stream that was cut may not have been missed yet.
            for stream in state.streams.values where stream.peer == peer { known += stream.sent }
            let stream = OutgoingStream(
                id: state.nextID, name: name, peer: peer, have: have, known: known, differences: self.differences)
            state.nextID += 1
            state.streams[stream.id] = stream
            return (stream, state.texts, state.version)
        }
        if let texts { stream.planned(texts(peer), version: version) }
        return stream
    }

    /// Returns whether it was open.
    @discardableResult
    func close(_ stream: OutgoingStream<Peer>) -> Bool {
        let wasOpen = self.state.withLock { state in
            let wasOpen = state.streams.removeValue(forKey: stream.id) != nil
            if wasOpen { state.left[stream.peer] = (stream.sent, Date()) }
            return wasOpen
        }
        stream.finish()
        return wasOpen
    }
}

/// Each change is compared once for all peers of one shape.
final class SharedDifferences: Sendable {
    private let cache = Mutex(DifferenceCache())

    func forget() { self.cache.withLock { $0.clear() } }

    func next(_ subscription: inout Subscription) -> OutgoingConfig? { self.cache.withLock { subscription.next(cache: &$0) } }
}
