import Routing
import Testing

@testable import TLSRelay

@Suite struct BalancersTests {
    private func cluster(_ ports: UInt16...) -> Cluster {
        Cluster(name: "c", endpoints: ports.map { Endpoint(address: "127.0.0.1", port: $0) })
    }

    @Test("a claim on a cluster that went and came back does no harm to the new one")
    func comeBack() throws {
        let balancers = Balancers()
        var tried = Tried()
        _ = balancers.begin(self.cluster(1, 2, 3), tried: &tried)
        _ = balancers.begin(self.cluster(1, 2, 3), tried: &tried)
        let (old, _) = try #require(balancers.begin(self.cluster(1, 2, 3), tried: &tried))
        balancers.keep(only: [])
        var fresh = Tried()
        let (new, endpoint) = try #require(balancers.begin(self.cluster(9), tried: &fresh))
        balancers.connected(old)
        balancers.failed(old)
        balancers.ended(old)
        balancers.ended(new)
        #expect(endpoint.port == 9)
    }

    @Test("each endpoint is tried once")
    func eachOnce() {
        let balancers = Balancers()
        var tried = Tried()
        var ports: Set<UInt16> = []
        while let (claim, endpoint) = balancers.begin(self.cluster(1, 2, 3), tried: &tried) {
            ports.insert(endpoint.port)
            balancers.failed(claim)
        }
        #expect(ports == [1, 2, 3])
        let none = balancers.begin(Cluster(name: "none", endpoints: []), tried: &tried)
        #expect(none == nil)
    }
}
