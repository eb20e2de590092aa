import Routing
import TestKit
import Testing

@testable import Relay

/// Random connections through the engine: sizes, pieces, pauses, stalled readers, half-closes in every order and resets from
/// either end, each drawn from a seed. A failure names the seed; `EGRET_TRANSFER_SEED=<n>` runs that one alone, and
/// `EGRET_TRANSFER_COUNT=<n>` so many.
@Suite(
    "Byte by byte", .serialized, .timeLimit(.minutes(5)),
    .disabled(if: Sanitizer.isThread, "its threads would wait for ever in the runtime"))
struct ByteExactTests {
    private static let seeds = TransferRun.seeds(120)

    private struct Run {
        let transfer: TransferRun
        let name: String
        var hello: [UInt8] { HelloBuilder(serverName: self.name).records() }

        init(seed: UInt64) {
            self.transfer = TransferRun(seed: seed)
            self.name = "s\(seed).test"
        }

        func perform(_ port: UInt16) async throws {
            try await onThread {
                let buffer = self.transfer.script.client.receiveBuffer
                let socket = try TestSocket.connect(port: port, receiveBuffer: buffer == 0 ? nil : buffer)
                try socket.send(self.hello)
                self.transfer.startClient(socket)
            }
            await self.transfer.waitUntilOver()
        }

        func check(_ record: ConnectionRecord) {
            let account: Comment = "\(self.transfer.account), \(record.closeReason)"
            let isAsScripted = self.transfer.isAsScripted
            #expect(isAsScripted, account)
            let (client, server) = (self.transfer.script.client, self.transfer.script.server)
            switch (client.ending, server.ending) {
            case (.reset, _): #expect(record.closeReason == .clientReset, account)
            case (_, .reset): #expect(record.closeReason == .upstreamReset, account)
            default:
                #expect(record.closeReason == .finished, account)
                #expect(record.bytesIn == UInt64(client.total + self.hello.count), account)
                #expect(record.bytesOut == UInt64(server.total), account)
            }
            #expect(record.verdict == .allowed, account)
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
            run.transfer.startServer(socket)
        }
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            // Eight at a time.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, seed) in Self.seeds.enumerated() {
                    if number >= 8 { try await group.next() }
                    group.addTask { try await runs["s\(seed).test"]!.perform(port) }
                }
                try await group.waitForAll()
            }
            for run in runs.values { run.check(try await fixture.record { $0.serverName == run.name }) }
            #expect(fixture.engine.counters.active == 0)
            #expect(fixture.records.all.count == runs.count)
        }
    }

    private static func name(_ hello: [UInt8]) -> String? {
        // Only ours: the one name in the hello that ends in .test, after its length.
        guard let end = hello.firstRange(of: Array(".test".utf8)) else { return nil }
        var start = end.lowerBound
        while start > 0, hello[start - 1] != UInt8(ascii: "s") { start -= 1 }
        return String(decoding: hello[(start - 1)..<end.upperBound], as: UTF8.self)
    }
}
