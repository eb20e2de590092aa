import CLinux
import Logging
import Routing
import Synchronization
import TestKit

@testable import Relay

typealias TestServer = SocketServer

/// Keeps records; waits for those that are asked for.
final class RecordLog: ConnectionRecordSink {
    private let records = Mutex<[ConnectionRecord]>([])
    func record(_ record: ConnectionRecord) { self.records.withLock { $0.append(record) } }
    var all: [ConnectionRecord] { self.records.withLock { $0 } }

    /// For the first record, 20 seconds at most.
    func wait() async throws {
        let start = ContinuousClock.now
        while self.all.isEmpty {
            guard ContinuousClock.now - start < .seconds(20) else { throw NeverHappened() }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}

/// Keeps sockets that are handed off.
final class HandoffLog: ConnectionHandoff {
    private struct State {
        var taken: [HandedConnection] = []
        var closed: [ConnectionID] = []
        var rechecked: [(id: ConnectionID, callers: CallerRules)] = []
    }

    private let state = Mutex(State())
    func take(_ connection: HandedConnection) { self.state.withLock { $0.taken.append(connection) } }
    func close(_ id: ConnectionID, reason: CloseReason) {
        let connection = self.state.withLock { state in
            state.closed.append(id)
            return state.taken.first { $0.id == id }
        }
        guard let connection else { return }
        _ = cl_close(connection.socket)
        connection.finish(HandoffOutcome(verdict: .allowed, closeReason: reason))
    }
    func recheck(_ id: ConnectionID, callers: CallerRules) { self.state.withLock { $0.rechecked.append((id, callers)) } }
    var rechecked: [(id: ConnectionID, callers: CallerRules)] { self.state.withLock { $0.rechecked } }
    var taken: [HandedConnection] { self.state.withLock { $0.taken } }
    var closed: [ConnectionID] { self.state.withLock { $0.closed } }
}

/// An engine on 127.0.0.1, and what it said.
struct EngineFixture {
    let engine: RelayEngine
    let records = RecordLog()
    let handoff = HandoffLog()

    init(workers: Int = 2, _ change: (inout RelayOptions) -> Void = { _ in }) throws {
        var options = RelayOptions()
        options.workers = workers
        change(&options)
        var logger = Logger(label: "test")
        logger.logLevel = .error
        self.engine = try RelayEngine(options: options, handoff: self.handoff, records: self.records, logger: logger)
        try self.engine.start()
    }

    /// Starts an engine, applies a configuration, runs the test and stops the engine.
    static func run(
        _ config: ProxyConfig, workers: Int = 2, options: (inout RelayOptions) -> Void = { _ in },
        _ body: (EngineFixture) async throws -> Void
    ) async throws {
        let fixture = try EngineFixture(workers: workers, options)
        do {
            _ = await fixture.engine.apply(config)
            try await body(fixture)
        } catch {
            await fixture.engine.stop()
            throw error
        }
        await fixture.engine.stop()
    }

    var port: UInt16 { self.engine.boundListeners[0].address.port }

    /// Looks until it is so, 20 seconds at most.
    func until(_ fact: () async -> Bool) async throws {
        let start = ContinuousClock.now
        while await !fact() {
            guard ContinuousClock.now - start < .seconds(20) else { throw NeverHappened() }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    func record(where fits: (ConnectionRecord) -> Bool = { _ in true }) async throws -> ConnectionRecord {
        try await self.until { self.records.all.contains(where: fits) }
        return self.records.all.first(where: fits)!
    }
}

struct NeverHappened: Error {}

extension ProxyConfig {
    /// One SNI listener on port 0 that passes `names` through to `endpoints`.
    static func passthrough(_ names: [String] = ["*"], to endpoints: [Endpoint]) -> ProxyConfig {
        ProxyConfig(
            listeners: [
                Listener(
                    name: "egress", address: "127.0.0.1", port: 0,
                    kind: .sni(routes: [Route(sni: names, action: .passthrough(cluster: "c"), origin: "ZoneIngress/east")]))
            ], clusters: [Cluster(name: "c", endpoints: endpoints)])
    }

    static func passthrough(_ names: [String] = ["*"], to server: TestServer) -> ProxyConfig {
        .passthrough(names, to: [Endpoint(address: "127.0.0.1", port: server.port)])
    }
}
