import CLinux
import Glibc
import Routing
import TestKit
import Testing

@testable import Relay

/// A reader that stops reading is not gone as long as its machine answers: the peer timeout is for those who don't.
@Suite("Stalled readers", .timeLimit(.minutes(1)))
struct StalledReaderTests {
    private static let hello = HelloBuilder(serverName: "a.test").records()
    private static let peerTimeout = Duration.milliseconds(500)

    private static func soon(_ options: inout RelayOptions) {
        options.keepAliveInterval = .seconds(1)
        options.peerTimeout = Self.peerTimeout
    }

    /// A server that answers the hello with itself and goes on as told.
    private static func server(_ stall: Stall, _ body: @escaping @Sendable (TestSocket) throws -> Void) throws -> TestServer {
        try TestServer { socket in
            stall.limit(socket)
            try socket.send(try socket.receive(exactly: Self.hello.count))
            try body(socket)
        }
    }

    private static func client(_ stall: Stall, _ port: UInt16) throws -> TestSocket {
        let client = try TestSocket.connect(port: port, receiveBuffer: stall.receiveBuffer)
        try client.send(Self.hello)
        _ = try client.receive(exactly: Self.hello.count)
        return client
    }

    @Test("one that rests for four times the peer timeout still gets every byte, much or little, client or upstream")
    func rests() async throws {
        try await withThrowingTaskGroup { group in
            for (amount, clientReads) in Stall.cases { group.addTask { try await Self.rests(amount, clientReads) } }
            try await group.waitForAll()
        }
    }

    private static func rests(_ amount: Stall.Amount, _ clientReads: Bool) async throws {
        let stall = Stall(amount, milliseconds: 2000)
        let isServerRight = Mutexed(false)
        let server = try Self.server(stall) { socket in
            let isRight = try clientReads ? stall.talk(socket) : stall.read(socket)
            isServerRight.withLock { $0 = isRight }
        }
        try await EngineFixture.run(.passthrough(to: server), workers: 1, options: Self.soon) { (fixture) async throws in
            let port = fixture.port
            let isClientRight = try await onThread {
                let client = try Self.client(stall, port)
                return try clientReads ? stall.read(client) : stall.talk(client)
            }
            #expect(isClientRight)
            #expect(try await fixture.record().closeReason == .finished)
            try await fixture.until { isServerRight.withLock { $0 } }
        }
    }

    @Test("the idle timeout ends it")
    func idle() async throws {
        let stall = Stall(.much, milliseconds: 5000)
        let server = try Self.server(stall) { _ = try stall.talk($0) }
        try await EngineFixture.run(
            .passthrough(to: server), workers: 1,
            options: {
                Self.soon(&$0)
                $0.idleTimeout = .milliseconds(1000)
            }
        ) { (fixture) async throws in
            let port = fixture.port
            let client = try await onThread { try Self.client(stall, port) }
            let record = try await fixture.record()
            #expect(record.closeReason == .idleTimeout)
            #expect(record.duration >= .milliseconds(1000))
            client.close()
        }
    }

    @Test("one that is gone while it rests is noticed, whatever of it waits in the kernel")
    func gone() async throws {
        try await withThrowingTaskGroup { group in
            for amount in [Stall.Amount.much, .little] { group.addTask { try await Self.gone(amount) } }
            try await group.waitForAll()
        }
    }

    private static func gone(_ amount: Stall.Amount) async throws {
        let stall = Stall(amount, milliseconds: 0)
        let server = try Self.server(stall) { _ = try stall.talk($0) }
        try await EngineFixture.run(.passthrough(to: server), workers: 1, options: Self.soon) { (fixture) async throws in
            let port = fixture.port
            let client = try await onThread {
                let client = try Self.client(stall, port)
                // By now its window is closed, and was found so.
                usleep(700_000)
                vanish(client.fd)
                return client
            }
            #expect(try await fixture.record().closeReason == .clientReset)
            #expect(fixture.engine.counters.active == 0)
            withExtendedLifetime(client) {}
        }
    }

    @Test("a table of what a socket tells")
    func findings() {
        for (waiting, closed, probes, silence, finding) in [
            (false, false, 0, 90_000, PeerWatch.Finding.settled),
            (true, false, 0, 90_000, .underWay),
            (true, true, 0, 0, .stalled),
            // Between two probes that are answered there are up to two minutes.
            (true, true, 0, 119_000, .stalled),
            (true, true, 1, 119_000, .stalled),
            (true, true, 2, 59_999, .stalled),
            (true, true, 2, 60_000, .gone),
            // A probe's answer of long ago and data on its way now: for the kernel to decide.
            (true, false, 3, 90_000, .underWay),
        ] as [(Bool, Bool, UInt32, UInt32, PeerWatch.Finding)] {
            let state = cl_peer_state(is_waiting: waiting, is_window_closed: closed, unanswered_probes: probes, silent_ms: silence)
            #expect(PeerWatch.judge(state, timeout: 60_000) == finding)
        }
    }
}
