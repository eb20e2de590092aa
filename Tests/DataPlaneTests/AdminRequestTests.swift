import NIOCore
import NIOHTTP1
import Testing

@testable import DataPlane

@Suite("Admin requests") struct AdminRequestTests {
    private func request(_ uri: String, _ headers: HTTPHeaders) -> AdminRequest {
        AdminRequest(HTTPRequestHead(version: .http1_1, method: .POST, uri: uri, headers: headers), isLocal: true)
    }

    @Test(
        "tools that name an address or localhost are trusted",
        arguments: ["127.0.0.1:9901", "127.0.0.1", "localhost:9901", "LOCALHOST", "[::1]:9901", "[::1]"])
    func trusted(host: String) {
        #expect(self.request("/drain", ["host": host]).suspicion == nil)
        #expect(self.request("/drain", ["host": host, "origin": "http://\(host)", "sec-fetch-site": "same-origin"]).suspicion == nil)
    }

    @Test(
        "a name that leads to loopback is not",
        arguments: ["evil.test", "evil.test:9901", "127.0.0.1.evil.test", "localhost.evil.test", "[::1", "1.2.3", "", "0x7f.0.0.1"])
    func rebound(host: String) { #expect(self.request("/config", ["host": host]).suspicion != nil) }

    @Test("a form of another site is not")
    func forged() {
        #expect(self.request("/drain", ["host": "127.0.0.1:9901", "origin": "http://evil.test"]).suspicion != nil)
        #expect(self.request("/drain", ["host": "127.0.0.1:9901", "origin": "null"]).suspicion != nil)
        #expect(self.request("/drain", ["host": "127.0.0.1:9901", "origin": "http://127.0.0.1:80"]).suspicion != nil)
        #expect(self.request("/drain", ["host": "127.0.0.1:9901", "sec-fetch-site": "cross-site"]).suspicion != nil)
    }

    @Test("the query is taken apart")
    func query() {
        let request = self.request("/logging?level=debug&x", [:])
        #expect(request.path == "/logging" && request.query == ["level": "debug", "x": ""])
    }

    @Test("loopback is recognised in every form of an address", arguments: ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
    func loopback(address: String) throws {
        let local = try SocketAddress(ipAddress: address, port: 1)
        let other = try SocketAddress(ipAddress: "10.0.0.1", port: 1)
        #expect(AdminServer.isLoopback(local) && !AdminServer.isLoopback(other))
        #expect(!AdminServer.isLoopback(nil))
    }
}

@Suite struct DrainRequestsTests {
    @Test("a second signal stops at once, a signal after the admin server's request does not")
    func signals() {
        let twice = DrainRequests()
        #expect([twice.signal(), twice.adminRequest(), twice.signal()] == [.begin, .goOn, .stopAtOnce])
        let asked = DrainRequests()
        #expect([asked.adminRequest(), asked.adminRequest(), asked.signal(), asked.signal()] == [.begin, .goOn, .goOn, .stopAtOnce])
    }
}
