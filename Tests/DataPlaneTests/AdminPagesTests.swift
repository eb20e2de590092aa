import FoundationEssentials
import JSONModel
import Routing
import Testing

@testable import DataPlane

@Suite struct AdminPagesTests {
    @Test("the configuration is shown without private keys")
    func redaction() throws {
        let tls = ExternalTLS(serverName: "a", clientCertificate: ClientCertificate(certificate: "CERT", key: "SECRET"))
        let config = ProxyConfig(clusters: [
            Cluster(name: "c", endpoints: [Endpoint(address: "a", port: 1, tls: .external(tls))], tls: .external(tls)),
            Cluster(name: "d", endpoints: []),
        ])
        let page = AdminPages.config(
            .init(generation: 1, hash: "ab", config: config, errors: [], trusted: [:], at: .init(timeIntervalSince1970: 0)), errors: [])
        #expect(!page.text.contains("SECRET"))
        #expect(page.text.contains("CERT") && page.at("config", "clusters")?[1]?["name"] == "d")
    }

    @Test("the own address is served beside loopback, and alone where it is loopback")
    func hosts() {
        func hosts(_ own: String?) -> [String] { AdminServer.hosts(ownAddress: own).map { "\($0.host) \($0.isNeeded)" } }
        #expect(hosts(nil) == ["127.0.0.1 true"])
        #expect(hosts("127.0.0.1") == ["127.0.0.1 true"])
        #expect(hosts("127.42.0.7") == ["127.42.0.7 true"])
        #expect(hosts("10.0.0.7") == ["127.0.0.1 false", "10.0.0.7 true"])
    }
}

@Suite struct WatchedTests {
    @Test("a waiter wakes when the condition holds, and not before")
    func wakes() async {
        let watched = Watched(0)
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await watched.wait(atMost: nil) { $0 >= 3 } }
            for _ in 0..<3 { watched.update { $0 += 1 } }
            #expect(await group.next() == true)
        }
        #expect(await watched.wait(atMost: .milliseconds(1)) { $0 > 3 } == false)
    }

    @Test("a cancelled waiter returns")
    func cancelled() async {
        let watched = Watched(0)
        let result = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await watched.wait(atMost: nil) { $0 == 1 } }
            group.cancelAll()
            return await group.next()
        }
        #expect(result == false)
    }
}
