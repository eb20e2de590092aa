import Routing
import TestKit
import Testing

@testable import Relay

@Suite("Refusals")
struct RefusalTests {
    /// What a client gets that sends these bytes, and what the record says.
    private func refused(
        _ bytes: [UInt8], config: ProxyConfig = .passthrough(["a.test"], to: [Endpoint(address: "127.0.0.1", port: 9)]),
        endAfter: Bool = false,
        options: (inout RelayOptions) -> Void = { _ in }
    ) async throws -> (answer: [UInt8], record: ConnectionRecord) {
        var result: (answer: [UInt8], record: ConnectionRecord)?
        try await EngineFixture.run(config, options: options) { (fixture) async throws in
            let port = fixture.port
            let answer = try await onThread {
                let client = try TestSocket.connect(port: port)
                try client.send(bytes)
                if endAfter { client.shutdownWrite() }
                return try client.receiveToEnd()
            }
            let record = try await fixture.record()
            if case .refused(let reason) = record.verdict { #expect(fixture.engine.counters.refused[reason] == 1) }
            #expect(fixture.engine.counters.allowed == 0)
            result = (answer, record)
        }
        return try #require(result)
    }

    private static let unrecognizedName: [UInt8] = [21, 3, 3, 0, 2, 2, 112]
    private static let decodeError: [UInt8] = [21, 3, 3, 0, 2, 2, 50]

    @Test("an unknown name gets the alert unrecognized_name, not a reset, and the record names it")
    func noRoute() async throws {
        let (answer, record) = try await self.refused(HelloBuilder(serverName: "Unknown.test").records())
        #expect(answer == Self.unrecognizedName)
        #expect(record.verdict == .refused(.noRoute))
        #expect(record.serverName == "unknown.test")
        #expect(record.listener == "egress")
        #expect(record.client.address == "127.0.0.1")
        #expect(record.closeReason == .refused)
    }

    @Test(
        "each bad name has its reason and the same alert",
        arguments: [
            ("10.0.0.1", RefusalReason.ipLiteralServerName, "10.0.0.1"), ("", .emptyServerName, nil),
            ("ü\n", .serverNameNotASCII, "\\xC3\\xBC\\x0A"), ("a b", .invalidServerName, "a\\x20b"),
            (String(repeating: "a", count: 300), .serverNameTooLong, String(repeating: "a", count: 252) + "..."),
        ] as [(String, RefusalReason, String?)])
    func badNames(name: String, reason: RefusalReason, recorded: String?) async throws {
        let (answer, record) = try await self.refused(HelloBuilder(serverName: name).records())
        #expect(answer == Self.unrecognizedName)
        #expect(record.verdict == .refused(reason))
        #expect(record.serverName == recorded)
    }

    @Test("a broken hello gets decode_error")
    func malformed() async throws {
        let (answer, record) = try await self.refused([22, 3, 1, 0, 0, 0])
        #expect(answer == Self.decodeError)
        #expect(record.verdict == .refused(.malformedHello))
    }

    @Test("SSL 2 gets protocol_version")
    func sslv2() async throws {
        let (answer, record) = try await self.refused([0x80, 0x2E, 1, 3, 1, 0, 0x15])
        #expect(answer == [21, 3, 3, 0, 2, 2, 70])
        #expect(record.verdict == .refused(.sslv2))
    }

    @Test("plaintext HTTP is answered in HTTP")
    func http() async throws {
        let (answer, record) = try await self.refused(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        #expect(String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(record.verdict == .refused(.plaintextHTTP))
    }

    @Test("something else altogether is closed without a word")
    func notTLS() async throws {
        let (answer, record) = try await self.refused(Array("SSH-2.0-OpenSSH\r\n".utf8))
        #expect(answer.isEmpty)
        #expect(record.verdict == .refused(.notTLS))
    }

    @Test("a silent client, and one that stops in the middle, time out", arguments: [0, 1, 40])
    func silent(count: Int) async throws {
        let hello = Array(HelloBuilder(serverName: "a.test").records()[..<count])
        let (answer, record) = try await self.refused(hello) { $0.helloTimeout = .milliseconds(200) }
        #expect(answer == Self.unrecognizedName)
        #expect(record.verdict == .refused(.helloTimeout))
        #expect(record.duration >= .milliseconds(200))
    }

    @Test("a client that ends before its hello does is not waited for", arguments: [0, 1, 40])
    func gone(count: Int) async throws {
        let hello = Array(HelloBuilder(serverName: "a.test").records()[..<count])
        let (answer, record) = try await self.refused(hello, endAfter: true)
        #expect(answer.isEmpty)
        #expect(record.verdict == .refused(.clientGone))
    }

    @Test("a cluster without endpoints refuses with no_endpoint")
    func noEndpoint() async throws {
        let (answer, record) = try await self.refused(
            HelloBuilder(serverName: "a.test").records(), config: .passthrough(to: [Endpoint]()))
        #expect(answer == Self.unrecognizedName)
        #expect(record.verdict == .refused(.noEndpoint))
        #expect(record.cluster == "c")
    }

    @Test("an endpoint nobody listens on refuses with connect_failed")
    func connectFailed() async throws {
        let server = try TestServer { _ in }
        let port = server.port
        server.stop()
        let (answer, record) = try await self.refused(
            HelloBuilder(serverName: "a.test").records(), config: .passthrough(to: [Endpoint(address: "127.77.0.1", port: port)]))
        #expect(answer == Self.unrecognizedName)
        #expect(record.verdict == .refused(.connectFailed))
        #expect(record.endpoint == "127.77.0.1:\(port)")
        #expect(record.detail == "Connection refused")
    }

    @Test("how much and how long a hello may be is settable")
    func settableLimits() async throws {
        var hello = HelloBuilder(serverName: "b.test")
        hello.add(21, Array(repeating: 0, count: 2000))
        let (answer, record) = try await self.refused(hello.records()) { $0.maxHelloBytes = 1024 }
        #expect(answer == Self.decodeError)
        #expect(record.verdict == .refused(.helloTooLarge))
        var large = HelloBuilder(serverName: "b.test")
        large.add(21, Array(repeating: 0, count: 30_000))
        #expect(try await self.refused(large.records()) { $0.maxHelloBytes = 64 * 1024 }.record.verdict == .refused(.noRoute))
        #expect(try await self.refused(large.records()).record.verdict == .refused(.helloTooLarge))
    }

    @Test("an empty table listens and refuses with no_route")
    func emptyTable() async throws {
        let config = ProxyConfig(listeners: [Listener(name: "egress", address: "127.0.0.1", port: 0, kind: .sni(routes: []))])
        let (answer, record) = try await self.refused(HelloBuilder(serverName: "a.test").records(), config: config)
        #expect(answer == Self.unrecognizedName)
        #expect(record.verdict == .refused(.noRoute))
    }

    @Test("a flood of refusals is counted whole and written down in part")
    func flood() async throws {
        let config = ProxyConfig.passthrough(["a.test"], to: [Endpoint]())
        try await EngineFixture.run(config, workers: 1, options: { $0.refusalRecordsPerReason = 3 }) { (fixture) async throws in
            let port = fixture.port
            try await onThread {
                for _ in 0..<20 {
                    let client = try TestSocket.connect(port: port)
                    try client.send(HelloBuilder(serverName: "b.test").records())
                    _ = try client.receiveToEnd()
                }
            }
            try await fixture.until { fixture.engine.counters.refused[.noRoute] == 20 }
            #expect(fixture.records.all.count == 3)
        }
    }

    @Test("the limiter tells with the next line how many it passed over")
    func limiter() {
        var limiter = RefusalLimiter(limit: 2)
        #expect(limiter.permit(.noRoute, now: 0) == 0)
        #expect(limiter.permit(.noRoute, now: 1) == 0)
        #expect(limiter.permit(.noRoute, now: 2) == nil)
        #expect(limiter.permit(.noRoute, now: 3) == nil)
        #expect(limiter.permit(.notTLS, now: 3) == 0)
        #expect(limiter.permit(.noRoute, now: 10_000_000_000) == 2)
        #expect(limiter.permit(.noRoute, now: 10_000_000_001) == 0)
    }
}
