package import ConfigSync
import FoundationEssentials
package import Planning
import Routing
import Store
import Synchronization

/// Hands each connected proxy its newest configuration.
package final class ConfigHub: Sendable {
    private let newest = Mutex<(any ProxyWorld)?>(nil)
    private let texts = ConfigTexts()
    private let streams = StreamHub<ProxyID>()
    private let order = Mutex(RolloutOrder())
    /// Told whenever a proxy says what it serves.
    private let servings = Broadcast()
    /// How long workloads wait for egresses and ingresses: much longer than those take, and no longer than anybody minds.
    private static let patience = Duration.seconds(1)
    let presence: Presence
    let questions = Questions<ProxyID>()

    package init(presence: Presence) { self.presence = presence }

    /// A new world: every connected proxy whose configuration differs hears of it, workloads after egresses and ingresses.
    package func publish(_ world: any ProxyWorld) {
        self.newest.withLock { $0 = world }
        let connected = self.streams.publish({ [texts] in texts.text(of: $0, in: world) }, to: { !$0.isOfWorkload })
        self.texts.forget { !connected.contains($0) }
        let sent = self.texts.hashes(of: connected.filter { !$0.isOfWorkload })
        let wait = self.order.withLock { $0.sent(sent) ? $0.wait : nil }
        guard let wait else { return self.tellWorkloads() }
        Task {
            try? await Task.sleep(for: Self.patience)
            if self.order.withLock({ $0.giveUp(wait) }) { self.tellWorkloads() }
        }
    }

    private func tellWorkloads() { self.streams.tell(\.isOfWorkload) }

    /// A proxy says what it serves.
    func serves(_ proxy: ProxyID, _ hash: String) {
        if proxy.isOfWorkload { return }
        if self.order.withLock({ $0.serves(proxy, hash) }) { self.tellWorkloads() }
        self.servings.tell()
    }

    /// Of the egresses and ingresses whose streams are here some don't serve yet what they were sent.
    package var isBehind: Bool { self.order.withLock(\.isBehind) }

    package func waitUntilServed(atMost limit: Duration) async {
        let servings = self.servings.listen()
        if !self.isBehind { return }
        await withTaskGroup { group in
            group.addTask { for await _ in servings where !self.isBehind { return } }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    package var world: (any ProxyWorld)? { self.newest.withLock { $0 } }

    /// Opens a stream; `close` it when it ends.
    /// - Parameters:
    ///   - instance: tells processes of one name apart.
    ///   - have: the hash of what the proxy serves.
    ///   - program: the version of the proxy's program, for people.
    func open(_ proxy: ProxyID, instance: String, have: String?, program: String) -> OutgoingStream<ProxyID> {
        let name = self.presence.opened(proxy, instance: instance, version: program, now: Date())
        return self.streams.open(proxy, have: have, name: name)
    }

    func close(_ stream: OutgoingStream<ProxyID>) {
        if self.streams.close(stream) { self.presence.closed(stream.peer, stream: stream.name, now: Date()) }
    }

    /// Asks a proxy that has a stream here; nil when it has none, or does not answer in time.
    package func ask(_ proxy: ProxyID, _ page: Question.Page) async -> String? {
        guard let stream = self.streams.stream(of: proxy) else { return nil }
        return await self.questions.ask(proxy, page, atMost: .seconds(5)) { stream.ask($0) }
    }
}

/// The configurations of connected proxies as text. Proxies of one shape share what is the same.
private final class ConfigTexts: Sendable {
    private struct State {
        var encoder = ConfigEncoder()
        var encoded: [ProxyID: EncodedConfig] = [:]
    }

    private let state = Mutex(State())

    /// Nil when there is no such proxy.
    func text(of proxy: ProxyID, in world: any ProxyWorld) -> ConfigText? {
        guard let config = world.config(for: proxy) else { return nil }
        return self.state.withLock { state in
            let encoded = state.encoder.encode(config, after: state.encoded[proxy])
            state.encoded[proxy] = encoded
            return encoded.text
        }
    }

    /// Of those that were asked for last.
    func hashes(of proxies: Set<ProxyID>) -> [ProxyID: String] {
        self.state.withLock { state in state.encoded.filter { proxies.contains($0.key) }.mapValues(\.text.hash) }
    }

    func forget(where isGone: (ProxyID) -> Bool) {
        self.state.withLock { state in state.encoded = state.encoded.filter { !isGone($0.key) } }
    }
}

extension ProxyID {
    fileprivate var isOfWorkload: Bool { self.kind == .dataplane }
}
