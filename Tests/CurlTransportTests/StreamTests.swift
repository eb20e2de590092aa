import CurlTransport
import Synchronization
import TestKit
import TestServer
import Testing

extension TransportTests {
    @Suite("Streams", .timeLimit(.minutes(1)))
    struct StreamTests {
        private let transport = CurlTransport()

        @Test("The head comes before the body, and chunks as the server sends them")
        func chunks() async throws {
            let (asked, ask) = AsyncStream.makeStream(of: String.self)
            try await ScriptedServer.with { _, reply in
                try await reply.start(200, headers: [("x-kind", "watch")])
                for await text in asked { try await reply.send(text) }
                try await reply.end()
            } _: { server in
                let stream = try await self.transport.stream(HTTPRequest("GET", server.url))
                #expect(stream.status == 200 && stream.headers["x-kind"] == "watch")
                var iterator = stream.body.makeAsyncIterator()
                for text in ["one\n", "two\n"] {
                    ask.yield(text)
                    #expect(try await iterator.next() == Array(text.utf8))
                }
                ask.finish()
                #expect(try await iterator.next() == nil)
                #expect(try await iterator.next() == nil)
            }
        }

        @Test("A cut delivers what came and then fails")
        func cut() async throws {
            try await ScriptedServer.with { _, reply in
                try await reply.start()
                try await reply.send("half")
                try await reply.cut()
            } _: { server in
                let stream = try await self.transport.stream(HTTPRequest("GET", server.url))
                var received: [UInt8] = []
                await #expect(throws: TransportError(.connectionLost, "")) { for try await chunk in stream.body { received += chunk } }
                #expect(received == Array("half".utf8))
            }
        }

        @Test("Silence ends a stream, before the head and within the body")
        func silence() async throws {
            try await ScriptedServer.with { request, reply in
                if request.line == "GET /body" {
                    try await reply.start()
                    try await reply.send("x")
                }
                try await reply.silence()
            } _: { server in
                await #expect(throws: TransportError(.timedOut, "")) {
                    _ = try await self.transport.stream(HTTPRequest("GET", server.url + "/head", timeout: .milliseconds(200)))
                }
                let stream = try await self.transport.stream(HTTPRequest("GET", server.url + "/body", timeout: .seconds(4)))
                await #expect(throws: TransportError(.timedOut, "")) { for try await _ in stream.body {} }
            }
        }

        @Test("Sending, a stream outlives its idle limit as often as it likes")
        func notIdle() async throws {
            try await ScriptedServer.with { _, reply in
                try await reply.start()
                for _ in 0..<8 {
                    try await reply.send("x")
                    try await Task.sleep(for: .milliseconds(500))
                }
                try await reply.end()
            } _: { server in
                let stream = try await self.transport.stream(HTTPRequest("GET", server.url, timeout: .seconds(3)))
                var count = 0
                for try await chunk in stream.body { count += chunk.count }
                #expect(count == 8)
            }
        }

        @Test("A reader that does not read holds the server back, and loses nothing")
        func backpressure() async throws {
            let sent = Mutex(0)
            let piece = [UInt8](repeating: 7, count: 64 << 10)
            // 64 MiB: more than the kernel takes for a connection by itself (up to 32 MiB to read and 4 MiB to write).
            let pieces = 1024
            try await ScriptedServer.with { _, reply in
                try await reply.start()
                for _ in 0..<pieces {
                    try await reply.send(piece)
                    sent.withLock { $0 += 1 }
                }
                try await reply.end()
            } _: { server in
                // The limit on silence does not count while it is us who are silent.
                let stream = try await self.transport.stream(HTTPRequest("GET", server.url, timeout: .seconds(2)))
                var before = -1
                try await eventually("the server is held back", every: .milliseconds(2500)) {
                    defer { before = sent.withLock { $0 } }
                    return before > 0 && before == sent.withLock { $0 } ? true : nil
                }
                #expect(before < pieces)
                var received = 0
                for try await chunk in stream.body { received += chunk.count }
                #expect(received == pieces * piece.count)
            }
        }

        @Test("Letting go of a body, and cancelling its reader, end the transfer")
        func lettingGo() async throws {
            let (closed, hungUp) = AsyncStream.makeStream(of: Void.self)
            try await ScriptedServer.with { _, reply in
                try await reply.start()
                try await reply.send("x")
                try await reply.silence()
                hungUp.yield()
            } _: { server in
                var ends = closed.makeAsyncIterator()
                for try await _ in try await self.transport.stream(HTTPRequest("GET", server.url)).body { break }
                await ends.next()

                let body = try await self.transport.stream(HTTPRequest("GET", server.url)).body
                try await withThrowingTaskGroup { group in
                    let (first, arrived) = AsyncStream.makeStream(of: Void.self)
                    group.addTask {
                        await #expect(throws: TransportError(.cancelled, "")) { for try await _ in body { arrived.yield() } }
                    }
                    var firsts = first.makeAsyncIterator()
                    await firsts.next()
                    group.cancelAll()
                    try await group.waitForAll()
                }
                await ends.next()
            }
        }
    }
}
