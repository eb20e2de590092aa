import Routing
import Testing

@testable import TLSRelay

@Suite struct BalancersTests {
    private func cluster(_ ports: UInt16...) -> UpstreamCluster {
        UpstreamCluster(Cluster(name: "c", endpoints: ports.map { Endpoint(address: "127.0.0.1", port: $0) }))
    }

    @Test("each endpoint is tried once")
    func eachOnce() {
        let balancers = Balancers()
        let cluster = self.cluster(1, 2, 3)
        var tried = Tried()
        var ports: Set<UInt16> = []
        while let (claim, endpoint) = balancers.begin(cluster, now: 0, tried: &tried) {
            ports.insert(endpoint.port)
            balancers.failed(claim, now: 0)
        }
        #expect(ports == [1, 2, 3])
        let none = balancers.begin(self.cluster(), now: 0, tried: &tried)
        #expect(none == nil)
        #expect(cluster.states.map(\.failureCount) == [1, 1, 1])
        #expect(cluster.states.map(\.activeConnections) == [0, 0, 0])
    }

    @Test("what other connections have open on an endpoint counts")
    func shared() throws {
        let balancers = Balancers()
        let cluster = self.cluster(1, 2)
        var generator = FastGenerator()
        let passing = try #require(cluster.begin(excluding: Tried(), now: 0, using: &generator))
        var tried = Tried()
        var (claim, endpoint) = try #require(balancers.begin(cluster, now: 0, tried: &tried))
        #expect(endpoint != cluster.endpoints[passing.place])
        balancers.connected(&claim)
        balancers.ended(claim)
        #expect(cluster.states.map(\.activeConnections).reduce(0, +) == 1)
    }
}
