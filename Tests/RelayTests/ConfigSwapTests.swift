import CLinux
import Routing
import Synchronization
import TestKit
import Testing

@testable import Relay

@Suite("Configurations")
struct ConfigSwapTests {
    private static let hello = HelloBuilder(serverName: "a.test").records()

    @Test("a swap changes new connections and leaves open ones alone, on the same socket")
    func swap() async throws {
        let first = try TestServer.echo()
        let second = try TestServer.echo()
        try await EngineFixture.run(.passthrough(to: first)) { (fixture) async throws in
            let port = fixture.port
            let client = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(Self.hello)
                _ = try client.receive(exactly: Self.hello.count)
                return client
            }
            #expect(await fixture.engine.apply(.passthrough(to: second)).isEmpty)
            #expect(fixture.port == port)
            let still = try await onThread {
                try client.send([1, 2, 3])
                return try client.receive(exactly: 3)
            }
            #expect(still == [1, 2, 3])
            #expect(first.connections == 1)
            _ = try await onThread {
                let other = try TestSocket.connect(port: port)
                try other.send(Self.hello)
                return try other.receive(exactly: Self.hello.count)
            }
            #expect(second.connections == 1)
            // Even when its route and cluster are gone, its record knows them.
            _ = await fixture.engine.apply(.passthrough([], to: [Endpoint]()))
            client.close()
            let record = try await fixture.record { $0.endpoint == "127.0.0.1:\(first.port)" }
            #expect(record.origin == "ZoneIngress/east")
            #expect(record.cluster == "c")
        }
    }

    /// Connections one after another until told to stop, fifty at least: how many of them failed.
    private static func failures(port: UInt16, until stop: Mutexed<Bool>) async throws -> Int {
        try await onThread {
            var failures = 0
            var count = 0
            while !stop.withLock({ $0 }) || count < 50 {
                count += 1
                do {
                    let client = try TestSocket.connect(port: port)
                    try client.send(Self.hello)
                    if try client.receive(exactly: Self.hello.count) != Self.hello { failures += 1 }
                } catch { failures += 1 }
            }
            return failures
        }
    }

    @Test("a hundred swaps under load cost no connection")
    func swapsUnderLoad() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            let stop = Mutexed(false)
            async let failures = Self.failures(port: port, until: stop)
            let names = (0..<500).map { "n\($0).test" }
            for round in 0..<100 {
                var config = ProxyConfig.passthrough(["*"] + names.shuffled(), to: server)
                // Other clusters come and go, so that positions move.
                for number in 0..<round % 7 { config.clusters.insert(Cluster(name: "x\(round)-\(number)", endpoints: []), at: 0) }
                #expect(await fixture.engine.apply(config).isEmpty)
            }
            stop.withLock { $0 = true }
            #expect(try await failures == 0)
        }
    }

    @Test("swaps of ten thousand routes while connections arrive cost no connection")
    func largeSwaps() async throws {
        let server = try TestServer.echo()
        let names = (0..<10_000).map { "n\($0).svc.test" }
        let tables = [["*"] + names, names.reversed() + ["*"]].map { ProxyConfig.passthrough($0, to: server) }
        try await EngineFixture.run(tables[0]) { (fixture) async throws in
            let port = fixture.port
            let stop = Mutexed(false)
            async let failures = Self.failures(port: port, until: stop)
            for round in 1...6 { #expect(await fixture.engine.apply(tables[round % 2]).isEmpty) }
            stop.withLock { $0 = true }
            #expect(try await failures == 0)
        }
    }

    @Test("a connection whose listener went while it was silent is refused")
    func listenerGone() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(.passthrough(to: server), workers: 1) { (fixture) async throws in
            let port = fixture.port
            let client = try await onThread { try TestSocket.connect(port: port) }
            try await fixture.until { fixture.engine.counters.accepted == 1 }
            _ = await fixture.engine.apply(ProxyConfig())
            let answer = try await onThread {
                try client.send(Self.hello)
                return try client.receiveToEnd()
            }
            #expect(answer == [21, 3, 3, 0, 2, 2, 112])
            let record = try await fixture.record()
            #expect(record.verdict == .refused(.draining))
            #expect(record.listener == "egress")
        }
    }

    @Test("what can't be bound is reported and the rest serves")
    func partlyBad() async throws {
        let server = try TestServer.echo()
        var config = ProxyConfig.passthrough(to: server)
        config.listeners.append(Listener(name: "taken", address: "127.0.0.1", port: server.port, kind: .sni(routes: [])))
        config.listeners.append(Listener(name: "named", address: "localhost", port: 1234, kind: .sni(routes: [])))
        config.listeners.append(Listener(name: "all", address: "0.0.0.0", port: 1234, kind: .sni(routes: [])))
        config.listeners.append(Listener(name: "away", address: "192.0.2.1", port: 1234, kind: .sni(routes: [])))
        let fixture = try EngineFixture()
        let errors = await fixture.engine.apply(config)
        #expect(errors.map(\.item) == ["listener taken", "listener named", "listener all", "listener away"])
        #expect(
            errors.first?.message
                == "Can't bind 127.0.0.1:\(server.port): Address already in use; another process listens there, stop it or choose another port."
        )
        let port = try #require(fixture.engine.boundListeners.first?.address.port)
        let echoed = try await onThread {
            let client = try TestSocket.connect(port: port)
            try client.send(Self.hello)
            return try client.receive(exactly: Self.hello.count)
        }
        #expect(echoed == Self.hello)
        await fixture.engine.stop()
    }

    @Test("a second engine on the same address fails loudly")
    func secondEngine() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            var config = ProxyConfig.passthrough(to: server)
            config.listeners[0].port = fixture.port
            let other = try EngineFixture()
            let errors = await other.engine.apply(config)
            #expect(errors.map(\.item) == ["listener egress"])
            await other.engine.stop()
        }
    }

    @Test("a listener that is no longer configured is closed, one that comes is bound")
    func listenersComeAndGo() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            var config = ProxyConfig.passthrough(to: server)
            config.listeners[0].name = "other"
            #expect(await fixture.engine.apply(config).isEmpty)
            #expect(fixture.engine.boundListeners.map(\.name) == ["other"])
            #expect(fixture.port != port)
            await #expect(throws: SocketError(number: 111)) { try await onThread { _ = try TestSocket.connect(port: port) } }
        }
    }

    @Test("open connections are shown")
    func inspection() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            let client = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(Self.hello)
                _ = try client.receive(exactly: Self.hello.count)
                return client
            }
            let silent = try await onThread { try TestSocket.connect(port: port) }
            try await fixture.until { await fixture.engine.connections().count == 2 }
            let connections = await fixture.engine.connections()
            let relayed = try #require(connections.first { $0.state == .relaying })
            #expect(relayed.serverName == "a.test")
            #expect(relayed.cluster == "c")
            #expect(relayed.endpoint == "127.0.0.1:\(server.port)")
            #expect(relayed.bytesIn == UInt64(Self.hello.count))
            #expect(connections.contains { $0.state == .readingHello })
            #expect(await fixture.engine.clusters().first?.endpoints.first?.active == 1)
            client.close()
            silent.close()
        }
    }
}
