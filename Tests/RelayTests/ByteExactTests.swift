import CLinux
import Foundation
import Glibc
import Routing
import Synchronization
import TestKit
import Testing

@testable import Relay

/// Random connections through the engine: sizes, pieces, pauses, stalled readers, half-closes in every order and resets from
/// either end, each drawn from a seed. A failure names the seed; `EGRET_TRANSFER_SEED=<n>` runs that one alone, and
/// `EGRET_TRANSFER_COUNT=<n>` so many.
@Suite("Byte by byte", .serialized, .timeLimit(.minutes(5)))
struct ByteExactTests {
    private static var seeds: [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["EGRET_TRANSFER_SEED"].flatMap(UInt64.init) { return [seed] }
        return Array(1...(environment["EGRET_TRANSFER_COUNT"].flatMap(UInt64.init) ?? 120))
    }

    /// A run of one script at one end of it: both flows, and how the engine recorded it.
    private struct Run {
        let script: TransferScript
        let forward = Flow()
        let backward = Flow()
        let over = Countdown(4)
        let name: String
        var hello: [UInt8] { HelloBuilder(serverName: self.name).records() }
        var up: ByteStream { ByteStream(seed: self.script.seed &* 2) }
        var down: ByteStream { ByteStream(seed: self.script.seed &* 2 &+ 1) }

        init(seed: UInt64) {
            self.script = TransferScript(seed: seed)
            self.name = "s\(seed).test"
        }

        func client(_ port: UInt16) throws {
            let buffer = self.script.client.receiveBuffer
            let socket = try TestSocket.connect(port: port, receiveBuffer: buffer == 0 ? nil : buffer)
            try socket.send(self.hello)
            ScriptedEnd(
                socket: socket, script: self.script.client, outgoing: (self.forward, self.up), incoming: (self.backward, self.down),
                isOver: self.over
            ).start()
        }

        /// The hello was taken from the socket before.
        func server(_ socket: TestSocket) {
            ScriptedEnd(
                socket: socket, script: self.script.server, outgoing: (self.backward, self.down), incoming: (self.forward, self.up),
                isOver: self.over
            ).start()
        }

        /// Whether one end was told of a reset, by its reads or its writes: the kernel tells once.
        private static func isReset(reading: Flow.Outcome, writing: Flow.Outcome) -> Bool {
            reading.end == .failed(ECONNRESET) || writing.writeError == ECONNRESET
        }

        /// What both ends must have seen.
        func check(_ record: ConnectionRecord) {
            let (client, server) = (self.script.client, self.script.server)
            let (up, down) = (self.forward.outcome, self.backward.outcome)
            let seed: Comment =
                "seed \(self.script.seed): \(client.ending), \(server.ending), up \(up), down \(down), \(record.closeReason)"
            for outcome in [up, down] { if case .wrong = outcome.end { Issue.record(seed) } }
            #expect(up.received <= client.total && down.received <= server.total, seed)
            switch (client.ending, server.ending) {
            case (.reset, _):
                // Cut off must not look complete; the bytes until then are right, as far as they came.
                #expect(Self.isReset(reading: up, writing: down), seed)
                #expect(record.closeReason == .clientReset, seed)
            case (_, .reset):
                #expect(Self.isReset(reading: down, writing: up), seed)
                #expect(record.closeReason == .upstreamReset, seed)
            default:
                #expect(up == Flow.Outcome(received: client.total, end: .closed), seed)
                #expect(down == Flow.Outcome(received: server.total, end: .closed), seed)
                #expect(record.closeReason == .finished, seed)
                #expect(record.bytesIn == UInt64(client.total + self.hello.count), seed)
                #expect(record.bytesOut == UInt64(server.total), seed)
            }
            #expect(record.verdict == .allowed, seed)
        }
    }

    @Test("random conversations arrive byte by byte, end as they were ended, and leave no byte, pipe or connection behind")
    func random() async throws {
        let runs = Dictionary(uniqueKeysWithValues: Self.seeds.map { ("s\($0).test", Run(seed: $0)) })
        let server = try TestServer { socket in
            // Which script it is, the hello's name says.
            let length = try socket.receive(exactly: 5)
            let hello = try length + socket.receive(exactly: Int(length[3]) << 8 | Int(length[4]))
            guard let name = Self.name(hello), let run = runs[name] else { return socket.reset() }
            if run.script.server.receiveBuffer > 0 {
                var size = run.script.server.receiveBuffer
                setsockopt(socket.fd, SOL_SOCKET, SO_RCVBUF, &size, 4)
            }
            run.server(socket)
        }
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            // Eight at a time.
            try await withThrowingTaskGroup(of: Void.self) { group in
                var waiting = Self.seeds[...]
                for _ in 0..<8 {
                    guard let seed = waiting.popFirst() else { break }
                    group.addTask { try await Self.perform(runs["s\(seed).test"]!, port) }
                }
                while try await group.next() != nil {
                    guard let seed = waiting.popFirst() else { continue }
                    group.addTask { try await Self.perform(runs["s\(seed).test"]!, port) }
                }
            }
            for run in runs.values { run.check(try await fixture.record { $0.serverName == run.name }) }
            #expect(fixture.engine.counters.active == 0)
            #expect(fixture.records.all.count == runs.count)
        }
    }

    private static func perform(_ run: Run, _ port: UInt16) async throws {
        try await onThread { try run.client(port) }
        await run.over.wait()
    }

    private static func name(_ hello: [UInt8]) -> String? {
        // Only ours: the one name in the hello that ends in .test, after its length.
        guard let end = hello.firstRange(of: Array(".test".utf8)) else { return nil }
        var start = end.lowerBound
        while start > 0, hello[start - 1] != UInt8(ascii: "s") { start -= 1 }
        return String(decoding: hello[(start - 1)..<end.upperBound], as: UTF8.self)
    }
}
