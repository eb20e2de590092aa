import CurlTransport
import FoundationEssentials
import JSONModel
import KubeAPI
import KubeRuntime
import Synchronization
import Telemetry
import TestServer
import Testing

@Suite("Client", .timeLimit(.minutes(1)))
struct ClientTests {
    private func client(_ server: ScriptedServer, _ credential: ClusterConfig.Credential = .none) -> KubeClient {
        KubeClient(ClusterConfig(server: server.url, credential: credential), userAgent: "egret-test/1")
    }

    private static func status(_ code: Int, _ reason: String, _ message: String, retryAfter: Int? = nil) -> String {
        KubeStatus(code: code, reason: reason, message: message, retryAfterSeconds: retryAfter).json.text
    }

    /// Answers the first requests with these statuses and bodies, all later ones with an empty object.
    private static func first(_ answers: [(Int, String)]) -> ScriptedServer.Script {
        let left = Mutex(answers[...])
        return { _, reply in
            let next = left.withLock { $0.popFirst() } ?? (200, "{}")
            try await reply.answer(json: next.1, status: next.0)
        }
    }

    @Test("A request says who asks and what it accepts")
    func headers() async throws {
        try await ScriptedServer.with(script: Self.first([])) { server async throws -> Void in
            let client = self.client(server, .token("abc"))
            try await client.apply(.meshes, KubeObject(.meshes, name: "m"), fieldManager: "egret")
            let request = server.requests[0]
            #expect(request.line == "PATCH /apis/kuma.io/v1alpha1/meshes/m?fieldManager=egret&force=true")
            #expect(request.headers["authorization"] == "Bearer abc")
            #expect(request.headers["user-agent"] == "egret-test/1")
            #expect(request.headers["content-type"] == "application/apply-patch+yaml")
            #expect(request.body == #"{"apiVersion":"kuma.io/v1alpha1","kind":"Mesh","metadata":{"name":"m"}}"#)
        }
    }

    @Test("Errors carry the server's own words and are not repeated in vain")
    func errors() async throws {
        let invalid = Self.status(422, "Invalid", "Mesh.kuma.io \"m\" is invalid: spec.mtls: required")
        try await ScriptedServer.with(
            script: Self.first([(404, Self.status(404, "NotFound", "gone fishing")), (422, invalid), (502, "<html>Bad Gateway</html>")])
        ) { server async throws -> Void in
            let client = self.client(server)
            #expect(try await client.find(.pods, "p", namespace: "n") == nil)
            let error = await #expect(throws: KubeError.self) { try await client.create(.meshes, KubeObject(.meshes, name: "m")) }
            #expect(error?.description == "Mesh.kuma.io \"m\" is invalid: spec.mtls: required")
            let bad = await #expect(throws: KubeError.self) { try await client.create(.meshes, KubeObject(.meshes, name: "m")) }
            #expect(bad?.description.contains("502 to POST /apis/kuma.io/v1alpha1/meshes: <html>") == true)
            #expect(server.requests.count == 3)
        }
    }

    @Test("Too many requests: the server's wait is obeyed, for a create too")
    func throttled() async throws {
        let asked = Mutex<[ContinuousClock.Instant]>([])
        try await ScriptedServer.with { _, reply in
            let count = asked.withLock {
                $0.append(.now)
                return $0.count
            }
            if count == 1 {
                try await reply.answer(429, "slow down", headers: [("retry-after", "1")])
            } else {
                try await reply.answer(json: "{}")
            }
        } _: { server async throws -> Void in
            try await self.client(server).create(.pods, KubeObject(.pods, name: "p", namespace: "n"))
        }
        let times = asked.withLock { $0 }
        #expect(times.count == 2)
        #expect(times[1] - times[0] >= .milliseconds(950))
    }

    @Test("A lost answer is asked for again where that is harmless, and only there")
    func lostAnswers() async throws {
        let count = Mutex(0)
        try await ScriptedServer.with { _, reply in
            let first = count.withLock {
                $0 += 1
                return $0 % 2 == 1
            }
            if first { try await reply.cut() } else { try await reply.answer(json: "{}") }
        } _: { server async throws -> Void in
            let client = self.client(server)
            _ = try await client.get(.pods, "p", namespace: "n")
            #expect(server.requests.count == 2)
            let error = await #expect(throws: KubeError.self) {
                try await client.create(.pods, KubeObject(.pods, name: "p", namespace: "n"))
            }
            #expect(server.requests.count == 3)
            guard case .transport(_, isSafeToRepeat: false) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("A server that fails is asked again, and not for ever")
    func serverErrors() async throws {
        try await ScriptedServer.with { _, reply in
            try await reply.answer(json: Self.status(503, "ServiceUnavailable", "starting"), status: 503)
        } _: { server async throws -> Void in
            let client = self.client(server)
            await #expect(throws: KubeError.self) {
                try await client.send(.get(.pods, "p"), effort: .init(maxAttempts: 3, timeout: .seconds(5)))
            }
            #expect(server.requests.count == 3)
        }
    }

    @Test("All pages of a list are read; a position the server forgot in between starts one whole read")
    func list() async throws {
        let page = { (names: [String], token: String) in
            let items = names.map { "{\"metadata\":{\"name\":\"\($0)\"}}" }.joined(separator: ",")
            return "{\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"\(token)\"},\"items\":[\(items)]}"
        }
        let answers = [
            (200, page(["a", "b"], "t1")), (200, page(["c"], "")), (200, page(["a"], "t2")),
            (410, Self.status(410, "Expired", "too old")), (200, page(["a", "b", "c"], "")),
        ]
        try await ScriptedServer.with(script: Self.first(answers)) { server async throws -> Void in
            let client = self.client(server)
            #expect(try await client.list(.pods).map(\.displayName) == ["Pod/a", "Pod/b", "Pod/c"])
            #expect(try await client.list(.pods).count == 3)
            #expect(
                server.lines == [
                    "GET /api/v1/pods?limit=500", "GET /api/v1/pods?limit=500&continue=t1", "GET /api/v1/pods?limit=500",
                    "GET /api/v1/pods?limit=500&continue=t2", "GET /api/v1/pods",
                ])
        }
    }

    @Test("A token file is read again when the server refuses the token")
    func tokenReload() async throws {
        let folder = try TemporaryFolder(["token": "old\n"])
        try await ScriptedServer.with { request, reply in
            let isGood = request.headers["authorization"] == "Bearer new"
            try await reply.answer(json: isGood ? "{}" : Self.status(401, "Unauthorized", "expired"), status: isGood ? 200 : 401)
        } _: { server async throws -> Void in
            let client = self.client(server, .tokenFile("\(folder.path)/token"))
            await #expect(throws: KubeError.self) { try await client.get(.pods, "p") }
            try folder.write("token", "new\n")
            _ = try await client.get(.pods, "p")
            let stream = try await client.stream(.watch(.pods, resourceVersion: "1"), idle: .seconds(30))
            #expect(stream.status == 200)
            #expect(
                server.requests.map { $0.headers["authorization"] ?? "" } == [
                    "Bearer old", "Bearer old", "Bearer old", "Bearer new", "Bearer new",
                ])
        }
    }

    @Test("A refused token and an unknown certificate are one sentence: what, where, how to mend it")
    func refusedCredentials() async throws {
        try await ScriptedServer.with(tls: true) { _, reply in
            try await reply.answer(json: Self.status(401, "Unauthorized", "Unauthorized"), status: 401)
        } _: { server async throws -> Void in
            var config = ClusterConfig(server: server.url, credential: .token("s3cret"), origin: "context main of /home/me/.kube/config")
            config.tls.ca = TestPKI.ca
            let refused = await #expect(throws: KubeError.self) { try await KubeClient(config, userAgent: "t").get(.pods, "p") }
            #expect(
                refused?.description
                    == "the API server \(server.url) does not accept a token (context main of /home/me/.kube/config): renew it there")
            config.tls.ca = TestPKI.otherCA
            let untrusted = await #expect(throws: KubeError.self) { try await KubeClient(config, userAgent: "t").get(.pods, "p") }
            #expect(untrusted?.description.contains("check the certificate authority and tls-server-name in context main of") == true)
            #expect(server.requests.count == 1)
        }
    }

    @Test("A token that cannot be read is one sentence and no request")
    func noToken() async throws {
        try await ScriptedServer.with(script: Self.first([])) { server async throws -> Void in
            let error = await #expect(throws: KubeError.self) {
                try await self.client(server, .tokenFile("/nowhere/token")).get(.pods, "p")
            }
            #expect(error?.description.contains("the token file /nowhere/token is missing or empty") == true)
            #expect(server.requests.isEmpty)
        }
    }

    @Test("The rate is kept")
    func rate() async throws {
        try await ScriptedServer.with(script: Self.first([])) { server async throws -> Void in
            let client = KubeClient(
                ClusterConfig(server: server.url), userAgent: "t", rate: .init(perSecond: 20, burst: 2))
            let time = try await ContinuousClock().measure { for _ in 0..<6 { _ = try await client.get(.pods, "p") } }
            #expect(time >= .milliseconds(190))
        }
    }

    @Test("Requests are counted by method and code")
    func metrics() async throws {
        let registry = MetricsRegistry()
        try await ScriptedServer.with(script: Self.first([(404, "{}")])) { server async throws -> Void in
            let client = KubeClient(ClusterConfig(server: server.url), userAgent: "t", metrics: KubeClientMetrics(registry))
            _ = try await client.find(.pods, "p")
            _ = try await client.find(.pods, "p")
        }
        #expect(registry.render().contains("rest_client_requests_total{method=\"GET\",code=\"404\"} 1"))
        #expect(registry.render().contains("rest_client_requests_total{method=\"GET\",code=\"200\"} 1"))
    }
}
