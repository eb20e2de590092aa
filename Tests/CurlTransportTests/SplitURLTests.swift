import Testing

@testable import CurlTransport

@Suite("URLs taken apart")
struct SplitURLTests {
    @Test("Host, port, authority and rest")
    func parts() throws {
        let url = try #require(SplitURL("https://user:pass@[fd00::1]:6443/api?x=1#y"))
        #expect(url.scheme == "https" && url.host == "[fd00::1]" && url.port == 6443)
        #expect(url.authority == "[fd00::1]:6443" && url.rest == "/api?x=1#y")
        let plain = try #require(SplitURL("HTTP://host"))
        #expect(plain.scheme == "http" && plain.host == "host" && plain.port == 80 && plain.rest.isEmpty)
        #expect(SplitURL("https://host?x")?.port == 443)
    }

    @Test(
        "What has no scheme, host or port is none",
        arguments: ["", "host", "https://", "https:///x", "https://h:x", "https://h:70000", "://h"])
    func nonsense(text: String) { #expect(SplitURL(text) == nil) }

    @Test("Loopback addresses are known, and names that only look like them are not")
    func loopback() {
        for text in ["http://127.0.0.1", "https://127.9.8.7:6443/x", "http://localhost:1", "http://[::1]:1"] {
            #expect(SplitURL(text)?.isLoopback == true, "\(text)")
        }
        for text in ["http://127.example.org", "http://127.0.0.1.example.org", "http://10.0.0.1", "http://127.0.0.999"] {
            #expect(SplitURL(text)?.isLoopback == false, "\(text)")
        }
    }
}
