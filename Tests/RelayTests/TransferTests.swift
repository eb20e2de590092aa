import CLinux
import Glibc
import Routing
import TestKit
import Testing

@testable import Relay

/// Reproducible bytes for a position in a stream, so that a shift or a swap shows.
func pattern(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state)
    }
}

@Suite("Transfer", .serialized)
struct TransferTests {
    private static let hello = HelloBuilder(serverName: "a.test").records()

    @Test("random sizes arrive byte by byte, both ways at once", arguments: [1, 2, 3, 4])
    func randomSizes(seed: UInt64) async throws {
        let downstream = pattern(3_000_000, seed: seed)
        let upstream = pattern(2_500_000, seed: seed + 100)
        let cuts: @Sendable (Int, UInt64) -> [Range<Int>] = { total, seed in
            let sizes = pattern(4096, seed: seed)
            var ranges: [Range<Int>] = []
            var start = 0
            while start < total {
                let size = 1 << Int(sizes[ranges.count % 4096] % 19)
                ranges.append(start..<min(total, start + size))
                start += size
            }
            return ranges
        }
        let server = try TestServer { socket in
            startThread {
                for range in cuts(downstream.count, seed) { try? socket.send(Array(downstream[range])) }; socket.shutdownWrite()
            }
            let got = try socket.receiveToEnd()
            // Tells its verdict by how it ends.
            if got != Self.hello + upstream { socket.reset() }
        }
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            let got = try await onThread {
                let client = try TestSocket.connect(port: port)
                startThread {
                    try? client.send(Self.hello)
                    for range in cuts(upstream.count, seed + 7) { try? client.send(Array(upstream[range])) }
                    client.shutdownWrite()
                }
                return try client.receiveToEnd()
            }
            #expect(got == downstream)
            let record = try await fixture.record()
            #expect(record.closeReason == .finished)
            #expect(record.bytesIn == UInt64(Self.hello.count + upstream.count))
            #expect(record.bytesOut == UInt64(downstream.count))
        }
    }

    @Test("a slow reader gets every byte, and the sender waits for it")
    func slowReader() async throws {
        let bytes = pattern(8_000_000, seed: 9)
        let server = try TestServer { socket in
            _ = try socket.receive(exactly: Self.hello.count)
            try socket.send(bytes)
            socket.shutdownWrite()
            _ = try socket.receiveToEnd()
        }
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            let client = try await onThread {
                let client = try TestSocket.connect(port: port, receiveBuffer: 4096)
                try client.send(Self.hello)
                return client
            }
            // Nobody reads: what is in flight is bounded by buffers, not by the stream.
            var before = UInt64.max
            try await fixture.until {
                let now = fixture.engine.counters.bytesOut
                defer { before = now }
                try? await Task.sleep(for: .milliseconds(100))
                return now == before && now > 0
            }
            #expect(before < UInt64(bytes.count))
            let got = try await onThread {
                var got: [UInt8] = []
                while true {
                    let part = try client.receive(upTo: 10_007)
                    if part.isEmpty { return got }
                    got += part
                }
            }
            #expect(got == bytes)
            client.close()
            #expect(try await fixture.record().closeReason == .finished)
        }
    }

    @Test("the client may end its half first")
    func clientEndsFirst() async throws {
        let server = try TestServer { socket in
            let got = try socket.receiveToEnd()
            try socket.send(Array("got \(got.count)".utf8))
        }
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            let answer = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(Self.hello)
                client.shutdownWrite()
                return try client.receiveToEnd()
            }
            #expect(String(decoding: answer, as: UTF8.self) == "got \(Self.hello.count)")
        }
    }

    @Test("the server may end its half first")
    func serverEndsFirst() async throws {
        let server = try TestServer { socket in
            _ = try socket.receive(exactly: Self.hello.count)
            try socket.send([1, 2, 3])
            socket.shutdownWrite()
            let rest = try socket.receiveToEnd()
            if rest.count != 5 { socket.reset() }
        }
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            let answer = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(Self.hello)
                let answer = try client.receiveToEnd()
                try client.send([1, 2, 3, 4, 5])
                client.shutdownWrite()
                return answer
            }
            #expect(answer == [1, 2, 3])
            let record = try await fixture.record()
            #expect(record.closeReason == .finished)
            #expect(record.bytesIn == UInt64(Self.hello.count + 5))
        }
    }

    @Test("the server's reset reaches the client as a reset")
    func serverReset() async throws {
        let server = try TestServer { socket in
            _ = try socket.receive(exactly: Self.hello.count)
            socket.reset()
        }
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            await #expect(throws: SocketError(number: 104)) {
                try await onThread {
                    let client = try TestSocket.connect(port: port)
                    try client.send(Self.hello)
                    _ = try client.receive()
                }
            }
            #expect(try await fixture.record().closeReason == .upstreamReset)
        }
    }

    @Test("the server's reset reaches a client that has more to say, which isn't told of a clean end", arguments: [1, 2, 3])
    func serverResetAgainstData(round: Int) async throws {
        let isStuck = Mutexed(false)
        let server = try TestServer { socket in
            _ = try socket.receive(exactly: Self.hello.count)
            try socket.send([1])
            while !isStuck.withLock({ $0 }) { usleep(1000) }
            socket.reset()
        }
        try await EngineFixture.run(.passthrough(to: server), workers: 1) { (fixture) async throws in
            let port = fixture.port
            await #expect(throws: SocketError(number: ECONNRESET)) {
                try await onThread {
                    let client = try TestSocket.connect(port: port)
                    try client.send(Self.hello)
                    _ = try client.receive(exactly: 1)
                    let piece = [UInt8](repeating: 7, count: 100_000)
                    // Nobody reads them: the relay holds some, and the rest waits before it.
                    while piece.withUnsafeBytes({ Glibc.send(client.fd, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT)) }) > 0 {}
                    isStuck.withLock { $0 = true }
                    _ = try client.receiveToEnd()
                }
            }
            #expect(try await fixture.record().closeReason == .upstreamReset)
        }
    }

    @Test("the client's reset reaches the server as a reset, also after the server ended its half", arguments: [false, true])
    func clientReset(serverEnded: Bool) async throws {
        let seen = Mutexed<Int32?>(nil)
        let server = try TestServer { socket in
            _ = try socket.receive(exactly: Self.hello.count)
            try socket.send([1])
            if serverEnded { socket.shutdownWrite() }
            do {
                _ = try socket.receiveToEnd()
                seen.withLock { $0 = 0 }
            } catch let error as SocketError {
                seen.withLock { $0 = error.number }
            }
        }
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(Self.hello)
                _ = serverEnded ? try client.receiveToEnd() : try client.receive()
                client.reset()
            }
            try await fixture.until { seen.withLock { $0 } != nil }
            #expect(seen.withLock { $0 } == 104)
            #expect(try await fixture.record().closeReason == .clientReset)
        }
    }

    @Test("an answer ahead of the request's end reaches the client though the server resets after it")
    func earlyAnswer() async throws {
        let server = try TestServer { socket in
            _ = try socket.receive(exactly: Self.hello.count)
            try socket.send(Array("413".utf8))
            // Unread bytes at close make the kernel reset.
            socket.close()
        }
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            let answer = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(Self.hello)
                let answer = try client.receive(exactly: 3)
                // Goes on sending for a while, as an upload does.
                for _ in 0..<50 { try? client.send(Array(repeating: 0, count: 10_000)) }
                return answer
            }
            #expect(String(decoding: answer, as: UTF8.self) == "413")
            _ = try await fixture.record()
        }
    }

    @Test("what the server said before its reset reaches a slow client first")
    func resetAfterData() async throws {
        let bytes = pattern(300_000, seed: 3)
        let isReset = Mutexed(false)
        let server = try TestServer { socket in
            _ = try socket.receive(exactly: Self.hello.count)
            try socket.send(bytes)
            while cl_unsent(socket.fd) > 0 { usleep(1000) }
            socket.reset()
            isReset.withLock { $0 = true }
        }
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            let client = try await onThread {
                let client = try TestSocket.connect(port: port, receiveBuffer: 8192)
                try client.send(Self.hello)
                return client
            }
            try await fixture.until { isReset.withLock { $0 } }
            let got = try await onThread { try client.receive(exactly: bytes.count) }
            await #expect(throws: SocketError(number: 104)) { try await onThread { _ = try client.receive() } }
            #expect(got == bytes)
            #expect(try await fixture.record().closeReason == .upstreamReset)
        }
    }

    @Test(
        "a hundred connections at once, each with its own bytes",
        .disabled(if: Sanitizer.isThread, "its threads would wait for ever in the runtime"))
    func many() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(.passthrough(to: server)) { (fixture) async throws in
            let port = fixture.port
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        try await onThread {
                            let client = try TestSocket.connect(port: port)
                            let bytes = Self.hello + pattern(20_000 + number * 100, seed: UInt64(number + 1))
                            startThread {
                                try? client.send(bytes)
                                client.shutdownWrite()
                            }
                            return try client.receiveToEnd() == bytes
                        }
                    }
                }
                for try await isEqual in group { #expect(isEqual) }
            }
            try await fixture.until { fixture.engine.counters.active == 0 }
            #expect(fixture.engine.counters.allowed == 100)
        }
    }

    @Test("a connection without traffic is closed when its time is over")
    func idle() async throws {
        let server = try TestServer.echo()
        try await EngineFixture.run(.passthrough(to: server), options: { $0.idleTimeout = .milliseconds(300) }) { (fixture) async throws in
            let port = fixture.port
            let rest = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(Self.hello)
                _ = try client.receive(exactly: Self.hello.count)
                return try client.receiveToEnd()
            }
            #expect(rest.isEmpty)
            #expect(try await fixture.record().closeReason == .idleTimeout)
        }
    }
}
