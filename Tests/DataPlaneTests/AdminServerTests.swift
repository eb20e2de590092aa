import Testing

@testable import DataPlane

@Suite("Admin addresses")
struct AdminServerTests {
    @Test("The address that probes use is needed; loopback beside it shows everything and may be missing")
    func hosts() {
        let hosts = AdminServer.hosts(ownAddress: "10.1.2.3")
        #expect(hosts.map(\.host) == ["127.0.0.1", "10.1.2.3"])
        #expect(hosts.map(\.isNeeded) == [false, true])
    }

    @Test("A proxy whose only address is loopback needs it", arguments: [nil, "127.4.0.1", "::1", "0.0.0.0"])
    func loopbackAlone(own: String?) {
        let hosts = AdminServer.hosts(ownAddress: own)
        #expect(hosts.count == 1)
        #expect(hosts[0].isNeeded)
    }
}
