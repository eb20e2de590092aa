import CLinux
import Foundation
import Glibc
import Routing
import Synchronization
import TLSRelay
import TestKit
import Testing

/// What the other engine's tests of the same name show, for connections whose TLS ends or begins here.
@Suite("Stalled readers", .timeLimit(.minutes(1))) struct StalledReaderTests {
    private static func door(_ server: SocketServer, _ change: (inout TLSRelayOptions) -> Void = { _ in }) -> FrontDoor {
        var options = TLSRelayOptions()
        options.keepAliveInterval = .seconds(1)
        options.peerTimeout = .milliseconds(500)
        change(&options)
        return FrontDoor(
            TLSCredentials(), .originate, to: Cluster(name: "c", endpoints: [Endpoint(address: "127.0.0.1", port: server.port)]),
            options: options)
    }

    private static func server(_ stall: Stall, _ body: @escaping @Sendable (TestSocket) throws -> Void) throws -> SocketServer {
        try SocketServer { socket in
            stall.limit(socket)
            try body(socket)
        }
    }

    private static func client(_ stall: Stall, _ door: FrontDoor) throws -> TestSocket {
        try TestSocket.connect(port: UInt16(door.port), receiveBuffer: stall.receiveBuffer)
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
        let server = try Self.server(stall) { _ = try clientReads ? stall.talk($0) : stall.read($0) }
        let door = Self.door(server)
        let isRight = try await onThread {
            let client = try Self.client(stall, door)
            return try clientReads ? stall.read(client) : stall.talk(client)
        }
        #expect(isRight)
        let outcome = await door.outcome()
        #expect(outcome.ending == .finished)
        #expect(max(outcome.bytesIn, outcome.bytesOut) == UInt64(stall.count))
        withExtendedLifetime(server) {}
    }

    @Test("the idle timeout ends it")
    func idle() async throws {
        let stall = Stall(.little, milliseconds: 5000)
        let server = try Self.server(stall) { _ = try stall.talk($0) }
        let door = Self.door(server) { $0.idleTimeout = .milliseconds(1000) }
        let client = try await onThread { try Self.client(stall, door) }
        let outcome = await door.outcome()
        #expect(outcome.ending == .idle, "\(outcome)")
        client.close()
        withExtendedLifetime(server) {}
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
        let door = Self.door(server)
        let client = try await onThread {
            let client = try Self.client(stall, door)
            // By now its window is closed, and was found so.
            usleep(700_000)
            vanish(client.fd)
            return client
        }
        let outcome = await door.outcome()
        #expect(outcome.ending == .clientReset, "\(outcome)")
        withExtendedLifetime((client, server)) {}
    }

    @Test("packets that cannot be passed on wake nobody")
    func packetsForNobody() async throws {
        // Never reads: the proxy's kernel takes some megabytes for it, and no more.
        let stall = Stall(.little, milliseconds: 0)
        let isOver = Mutex(false)
        let server = try Self.server(stall) { _ in while !isOver.withLock({ $0 }) { usleep(10_000) } }
        let door = Self.door(server) {
            $0.keepAliveInterval = .seconds(60)
            $0.peerTimeout = .seconds(60)
        }
        let (packets, wakeUps) = try await onThread {
            let client = try TestSocket.connect(port: UInt16(door.port))
            // Until the proxy stops reading: what was acknowledged lies in its kernel.
            var before = Self.wakeUps()
            for _ in 0..<256 {
                try client.send([UInt8](repeating: 7, count: 32 << 10))
                guard Self.isAcknowledged(client) else { break }
                let now = Self.wakeUps()
                if now == before { break }
                before = now
            }
            let packets = (0..<200).prefix { _ in (try? client.send([7])) != nil && Self.isAcknowledged(client) }.count
            return (packets, Self.wakeUps() - before)
        }
        isOver.withLock { $0 = true }
        #expect(packets > 50)
        #expect(wakeUps < packets / 4, "\(wakeUps) wake-ups for \(packets) packets")
        withExtendedLifetime((door, server)) {}
    }

    /// Whether the peer's kernel has everything within a fifth of a second.
    private static func isAcknowledged(_ socket: TestSocket) -> Bool {
        for _ in 0..<200 {
            if cl_unsent(socket.fd) == 0 { return true }
            usleep(1000)
        }
        return false
    }

    /// How often the relays' threads have gone to sleep so far (proc_pid_status(5)).
    private static func wakeUps() -> Int {
        let tasks = "/proc/self/task"
        return (try? FileManager.default.contentsOfDirectory(atPath: tasks))?.reduce(0) { sum, task in
            guard let status = try? String(contentsOfFile: "\(tasks)/\(task)/status", encoding: .utf8),
                status.hasPrefix("Name:\tegret-tls"),
                let line = status.split(separator: "\n").first(where: { $0.hasPrefix("voluntary_ctxt_switches:") })
            else { return sum }
            return sum + (Int(line.split(separator: "\t")[1]) ?? 0)
        } ?? 0
    }
}
