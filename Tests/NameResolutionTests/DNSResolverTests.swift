import Foundation
import Routing
import Synchronization
import TestKit
import Testing

@testable import NameResolution

/// A resolver of a scripted server, with its own files.
private struct Fixture {
    let dns: ScriptedDNS
    let resolver: DNSResolver
    let folder: URL

    init(
        resolvConf: String = "nameserver 127.0.0.1\n", hosts: String = "", _ change: (inout ResolverPolicy) -> Void = { _ in },
        _ script: @escaping @Sendable (ScriptedDNS.Query) -> ScriptedDNS.Answer
    ) throws {
        self.dns = ScriptedDNS(script)
        self.folder = URL.temporaryDirectory.appending(path: "names-\(UUID())")
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        var policy = ResolverPolicy()
        policy.resolvConf = self.folder.appending(path: "resolv.conf").path
        policy.hosts = self.folder.appending(path: "hosts").path
        policy.port = self.dns.port
        policy.timeout = .milliseconds(250)
        policy.tries = 2
        try Data(resolvConf.utf8).write(to: URL(filePath: policy.resolvConf))
        try Data(hosts.utf8).write(to: URL(filePath: policy.hosts))
        change(&policy)
        self.resolver = DNSResolver(policy: policy)
    }

    func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: self.folder.appending(path: name)) }

    func resolve(_ name: String) async -> ResolvedName {
        await withCheckedContinuation { continuation in
            if let known = self.resolver.resolve(name, { continuation.resume(returning: $0) }) { continuation.resume(returning: known) }
        }
    }

    func addresses(_ name: String) async -> [String] { await self.resolve(name).addresses.map(\.address) }

    func names(of family: Bool = false) -> [String] { self.dns.queries.filter { $0.isIPv6 == family }.map(\.name) }

    func until(_ fact: () async -> Bool) async throws {
        let start = ContinuousClock.now
        while await !fact() {
            guard ContinuousClock.now - start < .seconds(20) else { throw NeverHappened() }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

private struct NeverHappened: Error {}

@Suite("Names resolved with c-ares")
struct DNSResolverTests {
    @Test("both families come, in turns, IPv6 first, with the shorter TTL")
    func families() async throws {
        let fixture = try Fixture { $0.isIPv6 ? .addresses(["2001:db8::1"], ttl: 30) : .addresses(["192.0.2.1", "192.0.2.2"], ttl: 40) }
        let answer = await fixture.resolve("Api.Example.Test")
        #expect(answer.addresses.map(\.address) == ["2001:db8::1", "192.0.2.1", "192.0.2.2"])
        #expect(answer.validFor == .seconds(30))
        #expect(answer.problem == nil)
        // Kept: the server isn't asked again.
        #expect(await fixture.addresses("api.example.test").count == 3)
        #expect(fixture.dns.queries.count == 2)
    }

    @Test("a TTL has a lower and an upper bound", arguments: [(0, 1), (7, 7), (86400, 300)])
    func bounds(ttl: UInt32, seconds: Int) async throws {
        let fixture = try Fixture { $0.isIPv6 ? .noData : .addresses(["192.0.2.1"], ttl: ttl) }
        #expect(await fixture.resolve("a.example.test").validFor == .seconds(seconds))
    }

    @Test("an answer ends with its TTL")
    func expiry() async throws {
        let fixture = try Fixture({ $0.shortest = .milliseconds(20) }) { $0.isIPv6 ? .noData : .addresses(["192.0.2.1"], ttl: 0) }
        #expect(await fixture.addresses("a.example.test") == ["192.0.2.1"])
        fixture.dns.change { $0.isIPv6 ? .noData : .addresses(["192.0.2.9"], ttl: 0) }
        try await fixture.until { await fixture.addresses("a.example.test") == ["192.0.2.9"] }
    }

    @Test("a name in use is asked for again before its answer ends, an unused one is not")
    func refresh() async throws {
        let fixture = try Fixture({ $0.shortest = .milliseconds(300) }) { $0.isIPv6 ? .noData : .addresses(["192.0.2.1"], ttl: 0) }
        _ = await fixture.resolve("a.example.test")
        try await fixture.until { fixture.names().count == 2 }
        // The second answer was asked for by nobody, so there is no third.
        #expect(await fixture.addresses("b.example.test") == ["192.0.2.1"])
        try await fixture.until { fixture.names().count { $0 == "b.example.test" } == 2 }
        #expect(fixture.names().count { $0 == "a.example.test" } == 2)
    }

    @Test("after a failure the last good answer serves on, at once", arguments: [ScriptedDNS.Answer.serverFailure, .code(5), .silence])
    func lastGood(failure: ScriptedDNS.Answer) async throws {
        let fixture = try Fixture({ $0.shortest = .milliseconds(20) }) { $0.isIPv6 ? .noData : .addresses(["192.0.2.1"], ttl: 0) }
        #expect(await fixture.addresses("a.example.test") == ["192.0.2.1"])
        fixture.dns.change { _ in failure }
        try await fixture.until { await fixture.resolve("a.example.test").problem != nil }
        let answer = await fixture.resolve("a.example.test")
        #expect(answer.addresses.map(\.address) == ["192.0.2.1"])
        #expect(answer.validFor <= .seconds(5))
    }

    @Test("who has an old answer doesn't wait for silent servers")
    func stale() async throws {
        let fixture = try Fixture({
            $0.shortest = .milliseconds(20)
            $0.staleDelay = .milliseconds(100)
            $0.timeout = .seconds(10)
        }) { $0.isIPv6 ? .noData : .addresses(["192.0.2.1"], ttl: 0) }
        #expect(await fixture.addresses("a.example.test") == ["192.0.2.1"])
        fixture.dns.change { _ in .silence }
        try await fixture.until { await fixture.resolve("a.example.test").validFor == .seconds(1) }
        #expect(await fixture.addresses("a.example.test") == ["192.0.2.1"])
    }

    @Test("a denial takes the last good answer away, and holds for a bounded time")
    func denial() async throws {
        let fixture = try Fixture({
            $0.shortest = .milliseconds(20)
            $0.negative = .milliseconds(200)
        }) { $0.isIPv6 ? .noData : .addresses(["192.0.2.1"], ttl: 0) }
        #expect(await fixture.addresses("a.example.test") == ["192.0.2.1"])
        fixture.dns.change { _ in .noSuchName }
        try await fixture.until { await fixture.addresses("a.example.test").isEmpty }
        #expect(await fixture.resolve("a.example.test").problem == "there is no address under this name")
        fixture.dns.change { $0.isIPv6 ? .addresses(["2001:db8::1"]) : .noData }
        try await fixture.until { await fixture.addresses("a.example.test") == ["2001:db8::1"] }
    }

    @Test("an answer too large for UDP comes over TCP")
    func truncated() async throws {
        let many = (1...30).map { "192.0.2.\($0)" }
        let fixture = try Fixture { $0.isIPv6 ? .noData : $0.isTCP ? .addresses(many) : .truncated }
        #expect(await fixture.addresses("a.example.test") == many)
        #expect(fixture.dns.queries.contains { $0.isTCP })
    }

    @Test("aliases are followed, and the shortest TTL on the way counts")
    func alias() async throws {
        let fixture = try Fixture {
            $0.isIPv6
                ? .alias("real.example.test", aliasTTL: 20, [], ttl: 0) : .alias("real.example.test", aliasTTL: 20, ["192.0.2.7"], ttl: 60)
        }
        let answer = await fixture.resolve("a.example.test")
        #expect(answer.addresses.map(\.address) == ["192.0.2.7"])
        #expect(answer.validFor == .seconds(20))
    }

    @Test("a family that is late holds the other up for a moment only, and joins later", arguments: [true, false])
    func lateFamily(lateIsIPv6: Bool) async throws {
        let late = lateIsIPv6 ? "2001:db8::1" : "192.0.2.1"
        let soon = lateIsIPv6 ? "192.0.2.1" : "2001:db8::1"
        let fixture = try Fixture({ $0.timeout = .seconds(5) }) { $0.isIPv6 == lateIsIPv6 ? .late(700, [late]) : .addresses([soon]) }
        let start = ContinuousClock.now
        #expect(await fixture.addresses("a.example.test") == [soon])
        #expect((Duration.milliseconds(50)..<Duration.milliseconds(650)).contains(ContinuousClock.now - start))
        try await fixture.until { Set(await fixture.addresses("a.example.test")) == [late, soon] }
    }

    @Test("a family whose servers fail doesn't matter where the other has an address")
    func halfFailure() async throws {
        let fixture = try Fixture { $0.isIPv6 ? .serverFailure : .addresses(["192.0.2.1"]) }
        let answer = await fixture.resolve("a.example.test")
        #expect(answer.addresses.map(\.address) == ["192.0.2.1"])
        #expect(answer.problem == nil)
    }

    @Test("garbage is no answer", .timeLimit(.minutes(1)))
    func garbage() async throws {
        let fixture = try Fixture { _ in .garbage }
        let answer = await fixture.resolve("a.example.test")
        #expect(answer.addresses.isEmpty)
        #expect(answer.problem != nil)
        fixture.dns.change { $0.isIPv6 ? .noData : .addresses(["192.0.2.1"]) }
        #expect(await fixture.addresses("b.example.test") == ["192.0.2.1"])
    }

    @Test("silence ends after the tries, and says so")
    func silence() async throws {
        let fixture = try Fixture { _ in .silence }
        let answer = await fixture.resolve("a.example.test")
        #expect(answer.addresses.isEmpty)
        #expect(answer.problem == "the DNS servers don't answer")
        #expect(fixture.names() == ["a.example.test", "a.example.test"])
    }

    @Test("a pod's short service names are found by the search list, as with getaddrinfo")
    func search() async throws {
        let conf = "search ns.svc.cluster.local svc.cluster.local cluster.local\nnameserver 127.0.0.1\noptions ndots:5\n"
        let known = ["x.ns.svc.cluster.local": "10.0.0.1", "www.example.com": "192.0.2.80"]
        let fixture = try Fixture(resolvConf: conf) { query in
            guard let address = known[query.name] else { return .noSuchName }
            return query.isIPv6 ? .noData : .addresses([address])
        }
        #expect(await fixture.addresses("x") == ["10.0.0.1"])
        #expect(await fixture.addresses("x.ns") == ["10.0.0.1"])
        #expect(await fixture.addresses("x.ns.svc") == ["10.0.0.1"])
        #expect(await fixture.addresses("x.ns.svc.cluster.local") == ["10.0.0.1"])
        fixture.dns.forgetQueries()
        #expect(await fixture.addresses("www.example.com") == ["192.0.2.80"])
        #expect(
            fixture.names() == [
                "www.example.com.ns.svc.cluster.local", "www.example.com.svc.cluster.local", "www.example.com.cluster.local",
                "www.example.com",
            ])
        fixture.dns.forgetQueries()
        #expect(await fixture.addresses("www.example.com.") == ["192.0.2.80"])
        #expect(fixture.names() == ["www.example.com"])
    }

    @Test("the hosts file wins over DNS, and is read again when it has changed")
    func hosts() async throws {
        let fixture = try Fixture(
            hosts: "# ours\n192.0.2.5 Pod.ns pod # alias\nnonsense line\n::1 six\n",
            { $0.negative = .milliseconds(20) }
        ) { _ in .noSuchName }
        #expect(await fixture.addresses("pod") == ["192.0.2.5"])
        #expect(await fixture.addresses("POD.NS") == ["192.0.2.5"])
        #expect(await fixture.addresses("six") == ["::1"])
        #expect(await fixture.addresses("localhost") == ["127.0.0.1", "::1"].reversed())
        #expect(fixture.dns.queries.isEmpty)
        try fixture.write("hosts", "192.0.2.6 pod\n192.0.2.7 other\n")
        try await fixture.until { await fixture.addresses("pod") == ["192.0.2.6"] }
        #expect(await fixture.addresses("other") == ["192.0.2.7"])
    }

    @Test("resolv.conf is read again when it has changed")
    func resolvConf() async throws {
        let fixture = try Fixture({ $0.negative = .milliseconds(20) }) {
            $0.name == "x.b.test" && !$0.isIPv6 ? .addresses(["192.0.2.1"]) : .noSuchName
        }
        #expect(await fixture.addresses("x").isEmpty)
        try fixture.write("resolv.conf", "nameserver 127.0.0.1\nsearch a.test b.test\n")
        try await fixture.until { await fixture.addresses("x") == ["192.0.2.1"] }
    }

    @Test("many ask for many names at once, and one question serves all who ask for the same")
    func many() async throws {
        let fixture = try Fixture { $0.isIPv6 ? .late(50, []) : .addresses(["192.0.2.1"]) }
        await withTaskGroup(of: Int.self) { group in
            for index in 0..<400 { group.addTask { await fixture.resolve("n\(index % 40).example.test").addresses.count } }
            for await count in group { #expect(count == 1) }
        }
        #expect(fixture.names().count == 40)
    }

    @Test("a resolver that goes while servers are silent leaves nothing behind")
    func goes() async throws {
        for _ in 0..<20 {
            let fixture = try Fixture { _ in .silence }
            _ = fixture.resolver.resolve("a.example.test") { _ in }
        }
        // Threads end by themselves; what they leave open would show here.
        let descriptors = { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0 }
        let before = descriptors()
        for _ in 0..<20 {
            let fixture = try Fixture { _ in .silence }
            _ = fixture.resolver.resolve("a.example.test") { _ in }
        }
        let start = ContinuousClock.now
        while descriptors() > before + 5, ContinuousClock.now - start < .seconds(20) { try await Task.sleep(for: .milliseconds(20)) }
        #expect(descriptors() <= before + 5)
    }
}
