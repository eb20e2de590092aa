import Routing
import TestKit
import Testing

@testable import Relay

@Suite("Hellos in pieces")
struct HelloArrivalTests {
    /// Sends the pieces as segments of their own and expects all of it back.
    private func arrives(_ pieces: [[UInt8]], pause: Duration = .zero) async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(.passthrough(["a.test"], to: server), workers: 1) { (fixture) async throws in
            let port = fixture.port
            let client = try await onThread { try TestSocket.connect(port: port) }
            for piece in pieces {
                try await onThread { try client.send(piece) }
                if pause > .zero { try await Task.sleep(for: pause) }
            }
            let bytes = Array(pieces.joined())
            let echoed = try await onThread {
                client.shutdownWrite()
                return try client.receiveToEnd()
            }
            #expect(echoed == bytes)
            #expect(try await fixture.record().verdict == .allowed)
        }
    }

    @Test("one byte per segment")
    func byteByByte() async throws {
        try await self.arrives(HelloBuilder(serverName: "a.test").records().map { [$0] }, pause: .milliseconds(1))
    }

    @Test("one byte per record, in one segment")
    func tinyRecords() async throws { try await self.arrives([HelloBuilder(serverName: "a.test").records(fragment: 1)]) }

    @Test("a post-quantum hello in three records and many segments")
    func large() async throws {
        var hello = HelloBuilder(serverName: "a.test")
        hello.add(keyShares: [(0x11EC, 1216), (29, 32)])
        hello.add(21, Array(repeating: 0, count: 6000))
        let wire = hello.records(fragment: 3000)
        let pieces = stride(from: 0, to: wire.count, by: 700).map { Array(wire[$0..<min(wire.count, $0 + 700)]) }
        try await self.arrives(pieces, pause: .milliseconds(2))
    }

    @Test("a hello of almost 16 KiB")
    func largest() async throws {
        var hello = HelloBuilder(serverName: "a.test")
        hello.add(21, Array(repeating: 0, count: 16_000))
        let wire = hello.records()
        try await self.arrives([Array(wire[..<8000]), Array(wire[8000...])], pause: .milliseconds(5))
    }

    @Test("more than 16 KiB is refused at once")
    func tooLarge() async throws {
        try await EngineFixture.run(.passthrough(to: [Endpoint]())) { (fixture) async throws in
            let port = fixture.port
            let answer = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send([22, 3, 1, 0x40, 0, 1, 0, 0x40, 0])
                return try client.receiveToEnd()
            }
            #expect(answer == [21, 3, 3, 0, 2, 2, 50])
            #expect(try await fixture.record().verdict == .refused(.helloTooLarge))
        }
    }

    @Test("two hundred silent clients don't disturb a working one")
    func silentCrowd() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(.passthrough(to: server), workers: 1, options: { $0.helloTimeout = .milliseconds(500) }) {
            (fixture) async throws in
            let port = fixture.port
            let hello = HelloBuilder(serverName: "a.test").records()
            let crowd = try await onThread {
                try (0..<200).map { number in
                    let client = try TestSocket.connect(port: port)
                    if number % 2 == 0 { try client.send(Array(hello[..<(number % hello.count)])) }
                    return client
                }
            }
            let echoed = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(hello)
                return try client.receive(exactly: hello.count)
            }
            #expect(echoed == hello)
            try await fixture.until {
                fixture.engine.counters.refused[.helloTimeout, default: 0] + fixture.engine.counters.refused[.noRoute, default: 0] >= 198
            }
            for client in crowd { client.close() }
        }
    }
}
