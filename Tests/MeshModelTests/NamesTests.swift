import MeshModel
import Testing

@Suite("Names")
struct NamesTests {
    @Test("A mesh's name has 1 to 63 lower-case characters")
    func meshNames() throws {
        #expect(try MeshName("default").text == "default")
        #expect(try MeshName(String(repeating: "a", count: 63)).text.count == 63)
        for bad in ["", String(repeating: "a", count: 64), "Default", "a b", "a/b", "m{}"] {
            #expect(throws: Violation.self) { try MeshName(bad) }
        }
    }

    @Test("A service's name has no separator of SNI or SPIFFE ids", arguments: ["", "a/b", "a{b", "a,b", "a=b", "a b", "ä"])
    func serviceNames(bad: String) {
        #expect(throws: Violation.self) { try ServiceName(bad) }
    }

    @Test("SPIFFE ids print as they are read")
    func spiffeIDs() throws {
        let mesh = try MeshName("demo")
        #expect(SPIFFEID.egress(of: mesh).text == "spiffe://demo/zone-egress")
        let id = try SPIFFEID(parsing: "spiffe://demo/web_ns_svc_80")
        #expect(id.mesh == mesh && id.service.text == "web_ns_svc_80")
        for bad in ["", "spiffe://", "spiffe://demo", "spiffe://demo/", "spiffe:///web", "spiffe://demo/a/b", "https://demo/web"] {
            #expect(throws: Violation.self) { try SPIFFEID(parsing: bad) }
        }
    }

    @Test("A duration is one number and one unit")
    func durations() {
        #expect(KumaDuration.parse("1d") == .seconds(86_400))
        #expect(KumaDuration.parse("10y") == .seconds(3650 * 86_400))
        #expect(KumaDuration.parse("1500ms") == .milliseconds(1500))
        #expect(KumaDuration.parse("2w") == .seconds(14 * 86_400))
        for bad in ["", "d", "1", "1.5h", "-1s", "1h30m", " 1s", "1 s", "99999999999999999999s", "999999999999y"] {
            #expect(KumaDuration.parse(bad) == nil, "\(bad)")
        }
    }

    @Test("An address is an IP address or a DNS name")
    func addresses() {
        for good in ["10.0.0.1", "::1", "2001:db8::1", "::ffff:10.0.0.1", "httpbin.org", "a-b.c_d.e", "1:2:3:4:5:6:7:8", "localhost"] {
            #expect(Address.isValid(good), "\(good)")
        }
        for bad in ["", "256.1.1.1", "1.2.3", ":::", "1::2::3", "-a.b", "a..b", "a b", "1:2:3:4:5:6:7:8:9", "ex ample.org", "12345::"] {
            #expect(!Address.isValid(bad), "\(bad)")
        }
        #expect(Address.splitPort("[::1]:443")! == ("::1", "443"))
        #expect(Address.splitPort("::1:443") == nil)
        #expect(Address.splitPort("httpbin.org") == nil)
    }
}
