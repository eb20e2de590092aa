package import FoundationEssentials
package import Planning
import Store
import Synchronization

/// What proxies said about the configurations they were sent, newest per proxy: said to this replica, and said to others, which
/// publish theirs (`AcknowledgementPublisher`). Any replica may hear a proxy; the leader folds all of it into conditions.
package final class AcknowledgementBook: Sendable {
    private struct State {
        /// Said to us.
        var own: [ProxyID: AcknowledgementReport.Entry] = [:]
        /// The newest that others published. It outlives their objects: what a proxy said holds until it says something else.
        var others: [ProxyID: AcknowledgementReport.Entry] = [:]
        /// Proxies that are no pods and serve, by the streams that we hold; nil until somebody looked.
        var streams: Set<ProxyID>?
        /// The same of the other replicas, as they are now.
        var othersStreams: [String: Set<ProxyID>] = [:]
    }

    private let state = Mutex(State())
    private let said = Broadcast()
    private let judged = Broadcast()

    package init() {}

    package func record(_ acknowledgement: Acknowledgement, of proxy: ProxyID, at now: Date) {
        let before = self.state.withLock { $0.own.updateValue(AcknowledgementReport.Entry(acknowledgement, at: now), forKey: proxy) }
        self.said.tell()
        // That a thousand proxies have the next table, too, changes no condition.
        if before?.acknowledgement.errors != acknowledgement.errors || before?.acknowledgement.certified != acknowledgement.certified {
            self.judged.tell()
        }
    }

    /// Takes what another replica published.
    package func take(_ report: [ProxyID: AcknowledgementReport.Entry]) {
        self.state.withLock { state in
            for (proxy, entry) in report where entry.at > state.others[proxy]?.at ?? .distantPast { state.others[proxy] = entry }
        }
    }

    /// Takes which proxies that are no pods have a stream to us.
    package func hold(_ streams: Set<ProxyID>) {
        let isNews = self.state.withLock { state in
            defer { state.streams = streams }
            return state.streams != streams
        }
        if isNews { self.said.tell() }
    }

    package var streams: Set<ProxyID>? { self.state.withLock { $0.streams } }

    /// Takes which proxies that are no pods have a stream to which other replica.
    /// - Returns: those of replicas that are gone. Nobody knows what became of their streams.
    package func takeStreams(ofOthers streams: [String: Set<ProxyID>]) -> Set<ProxyID> {
        self.state.withLock { state in
            let gone = state.othersStreams.filter { streams[$0.key] == nil }.values
            state.othersStreams = streams
            return gone.reduce(into: []) { $0.formUnion($1) }
        }
    }

    /// Which proxies that are no pods have a stream to another replica.
    package var othersStreams: Set<ProxyID> { self.state.withLock { $0.othersStreams.values.reduce(into: []) { $0.formUnion($1) } } }

    /// Yields at once, and after each word of a proxy to us.
    package func changes() -> AsyncStream<Void> {
        defer { self.said.tell() }
        return self.said.listen()
    }

    /// Yields after each that plans may depend on: the first, and those with other errors or certificates than before.
    package func newVerdicts() -> AsyncStream<Void> { self.judged.listen() }

    /// What every proxy said last, to whomever.
    package var all: [ProxyID: Acknowledgement] {
        self.state.withLock { state in
            state.own.merging(state.others) { own, other in own.at >= other.at ? own : other }.mapValues(\.acknowledgement)
        }
    }

    /// What was said to us.
    package var own: [ProxyID: AcknowledgementReport.Entry] { self.state.withLock { $0.own } }

    /// Forgets proxies that are gone.
    package func keep(where isAlive: (ProxyID) -> Bool) {
        self.state.withLock { state in
            state.own = state.own.filter { isAlive($0.key) }
            state.others = state.others.filter { isAlive($0.key) }
        }
    }
}
