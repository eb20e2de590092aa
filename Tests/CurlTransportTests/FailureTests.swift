import CurlTransport
import TestServer
import Testing

extension TransportTests {
    @Suite("Failures are values", .timeLimit(.minutes(1)))
    struct FailureTests {
        private let transport = CurlTransport()

        private func failure(_ request: HTTPRequest) async -> TransportError? {
            do throws(TransportError) {
                _ = try await self.transport.send(request)
                return nil
            } catch {
                return error
            }
        }

        @Test("Nobody listens: certainly nothing was done")
        func refused() async throws {
            let url = try await ScriptedServer.with { _, _ in
            } _: {
                $0.url
            }
            let error = await self.failure(HTTPRequest("POST", url + "/path?token=secret", body: []))
            #expect(error?.code == .connectFailed)
            #expect(error?.isSafeToRepeat == true)
            #expect(error?.message.contains("/path") == true && error?.message.contains("secret") == false)
        }

        @Test("A name that does not exist is said to be that")
        func unresolved() async throws {
            let error = await self.failure(HTTPRequest("GET", "http://nobody.invalid/"))
            #expect(error?.code == .nameNotResolved)
            #expect(error?.isSafeToRepeat == true)
        }

        @Test("A server that says nothing runs out of time, and may have done something")
        func timeout() async throws {
            try await ScriptedServer.with { _, reply in
                try await reply.silence()
            } _: { server in
                let error = await self.failure(HTTPRequest("GET", server.url, timeout: .milliseconds(200)))
                #expect(error?.code == .timedOut)
                #expect(error?.isSafeToRepeat == false)
            }
        }

        @Test("An answer cut in the middle is lost")
        func cut() async throws {
            try await ScriptedServer.with { _, reply in
                try await reply.start(200, headers: [("content-length", "100")])
                try await reply.send("half")
                try await reply.cut()
            } _: { server in
                let error = await self.failure(HTTPRequest("GET", server.url))
                #expect(error?.code == .connectionLost)
                #expect(error?.isSafeToRepeat == false)
            }
        }

        @Test("A connection closed without an answer is lost")
        func noAnswer() async throws {
            try await ScriptedServer.with { _, reply in
                try await reply.cut()
            } _: { server in
                #expect(await self.failure(HTTPRequest("GET", server.url))?.code == .connectionLost)
            }
        }

        @Test("On a connection that turns out to be dead, only a request that may be sent twice is", arguments: ["PUT", "POST"])
        func deadConnection(method: String) async throws {
            try await ScriptedServer.with { request, reply in
                if request.line == "GET /first" { try await reply.answer() } else { try await reply.cut() }
            } _: { server in
                _ = try await self.transport.send(HTTPRequest("GET", server.url + "/first"))
                let error = await self.failure(HTTPRequest(method, server.url + "/second", body: Array("body".utf8)))
                #expect(error?.code == .connectionLost && error?.isSafeToRepeat == false)
                #expect(server.requests.count == (method == "PUT" ? 3 : 2))
                #expect(server.requests[0].connection == server.requests[1].connection)
                #expect(server.requests.dropFirst().allSatisfy { $0.body == "body" })
            }
        }

        @Test("What is no usable request never leaves", arguments: ["", "ftp://127.0.0.1/", "http://", "not a url", "http://[::1"])
        func badURL(url: String) async throws {
            let error = await self.failure(HTTPRequest("GET", url))
            #expect(error?.isSafeToRepeat == true, "\(String(describing: error))")
        }

        @Test("A line break in a header is refused, not sent")
        func injection() async throws {
            let request = HTTPRequest("GET", "http://127.0.0.1:1/", headers: [.init("authorization", "Bearer a\r\nx-evil: 1")])
            let error = await self.failure(request)
            #expect(error?.code == .badRequest)
            #expect(error?.message.contains("evil") == false && error?.message.contains("authorization") == true)
        }

        @Test("A request's description holds neither query nor password")
        func description() {
            #expect(HTTPRequest("GET", "https://user:pass@host:1/a?token=x").description == "GET https://host:1/a")
        }
    }
}
