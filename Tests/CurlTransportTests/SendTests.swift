import CurlTransport
import Synchronization
import TestServer
import Testing

extension TransportTests {
    @Suite("Sending requests", .timeLimit(.minutes(1)))
    struct SendTests {
        private let transport = CurlTransport()

        @Test("Method, path, headers and body arrive, and the answer comes back whole")
        func roundTrip() async throws {
            try await ScriptedServer.with { request, reply in
                let echo = "\(request.line)|\(request.headers["x-test"] ?? "")|\(request.headers["content-type"] ?? "none")|\(request.body)"
                try await reply.answer(201, echo, headers: [("x-answer", "yes"), ("X-Other", " spaced ")])
            } _: { server in
                let response = try await self.transport.send(
                    HTTPRequest(
                        "POST", "\(server.url)/a%20b?c=d", headers: [.init("x-test", "1"), .init("content-type", "text/x")],
                        body: Array("body".utf8)))
                #expect(response.status == 201)
                #expect(response.text == "POST /a%20b?c=d|1|text/x|body")
                #expect(response.headers["X-ANSWER"] == "yes")
                #expect(response.headers["x-other"] == "spaced")
            }
        }

        @Test("Every method keeps its body, or has none", arguments: ["GET", "PUT", "PATCH", "DELETE", "POST"])
        func methods(method: String) async throws {
            try await ScriptedServer.with { request, reply in
                try await reply.answer(200, "\(request.line)|\(request.headers["content-length"] ?? "-")|\(request.body)")
            } _: { server in
                for (body, length) in [(nil, "-"), ("", "0"), ("xyz", "3")] as [(String?, String)] {
                    let response = try await self.transport.send(HTTPRequest(method, server.url + "/", body: body.map { Array($0.utf8) }))
                    #expect(response.text == "\(method) /|\(length)|\(body ?? "")")
                }
            }
        }

        @Test("A large body and a large answer survive, without an extra round trip")
        func large() async throws {
            try await ScriptedServer.with { request, reply in
                #expect(request.headers["expect"] == nil)
                try await reply.answer(200, request.body)
            } _: { server in
                let body = [UInt8](repeating: UInt8(ascii: "x"), count: 5 << 20)
                let response = try await self.transport.send(HTTPRequest("PUT", server.url, body: body))
                #expect(response.body == body)
            }
        }

        @Test("Statuses are answers, not errors", arguments: [204, 301, 404, 500])
        func statuses(status: Int) async throws {
            try await ScriptedServer.with { _, reply in
                try await reply.answer(status, "", headers: [("location", "/elsewhere")])
            } _: { server in
                let response = try await self.transport.send(HTTPRequest("GET", server.url))
                #expect(response.status == status)
                #expect(server.requests.count == 1)
            }
        }

        @Test("Requests share a connection; streams have another")
        func connections() async throws {
            try await ScriptedServer.with { request, reply in
                guard request.line == "GET /watch" else { return try await reply.answer() }
                try await reply.start()
                try await reply.send("x")
                try await reply.silence()
            } _: { server in
                _ = try await self.transport.send(HTTPRequest("GET", server.url + "/1"))
                let stream = try await self.transport.stream(HTTPRequest("GET", server.url + "/watch"))
                _ = try await self.transport.send(HTTPRequest("GET", server.url + "/2"))
                let connections = server.requests.map(\.connection)
                #expect(connections[0] == connections[2])
                #expect(connections[0] != connections[1])
                withExtendedLifetime(stream) {}
            }
        }

        @Test("A proxy named for a request is used, whatever the environment says")
        func proxy() async throws {
            try await ScriptedServer.with { _, reply in
                try await reply.answer(200, "by proxy")
            } _: { proxy in
                let response = try await self.transport.send(HTTPRequest("GET", "http://api.egret.test/x", proxy: .url(proxy.url)))
                #expect(response.text == "by proxy")
                #expect(proxy.lines == ["GET http://api.egret.test/x"])
            }
        }

        @Test("Cancelling the task ends the request, and the server sees it")
        func cancellation() async throws {
            let (arrived, arrival) = AsyncStream.makeStream(of: Void.self)
            let (closed, hungUp) = AsyncStream.makeStream(of: Void.self)
            try await ScriptedServer.with { _, reply in
                arrival.yield()
                try await reply.silence()
                hungUp.yield()
            } _: { server in
                let request = HTTPRequest("GET", server.url)
                await #expect(throws: TransportError(.cancelled, "")) {
                    try await withThrowingTaskGroup { group in
                        group.addTask { _ = try await self.transport.send(request) }
                        for await _ in arrived { break }
                        group.cancelAll()
                        try await group.next()
                    }
                }
                var iterator = closed.makeAsyncIterator()
                await iterator.next()
            }
        }

        @Test("A transport that is shut down refuses and ends what is under way")
        func shutDown() async throws {
            let transport = CurlTransport()
            let (arrived, arrival) = AsyncStream.makeStream(of: Void.self)
            try await ScriptedServer.with { _, reply in
                arrival.yield()
                try await reply.silence()
            } _: { server in
                await withTaskGroup { group in
                    group.addTask {
                        await #expect(throws: TransportError(.closed, "")) { try await transport.send(HTTPRequest("GET", server.url)) }
                    }
                    for await _ in arrived { break }
                    transport.shutDown()
                }
                await #expect(throws: TransportError(.closed, "")) { try await transport.send(HTTPRequest("GET", server.url)) }
            }
        }
    }
}
