import Dispatch
import NIOCore
import NameResolution
import Routing
import Synchronization
import TLSRelay
import Testing

/// What the TLS side shares with connections that pass through: the count of a cluster's connections, the rules for addresses,
/// the health of endpoints.
@Suite(.timeLimit(.minutes(1))) struct UpstreamLimitTests {
    private struct Names: NameResolver {
        let addresses: [String]
        func resolve(_ name: String, _ answer: @escaping @Sendable (ResolvedName) -> Void) -> ResolvedName? { self.known(name) }
        func known(_ name: String) -> ResolvedName? {
            ResolvedName(addresses: self.addresses.compactMap { IPEndpoint(address: $0, port: 0) }, validFor: .seconds(60))
        }
    }

    private func door(_ cluster: Cluster, _ addresses: String...) -> FrontDoor {
        FrontDoor(TLSCredentials(), .originate, to: cluster, resolver: Names(addresses: addresses))
    }

    @Test("a cluster's limit refuses one more, and forgets who has ended")
    func limit() async throws {
        let upstream = try await Upstream(echo)
        let door = self.door(
            Cluster(name: "c", endpoints: [Endpoint(address: "127.0.0.1", port: upstream.port)], maxConnections: 1))
        for _ in 0..<3 {
            let first = try await connect(port: door.port)
            try await first.executeThenClose { inbound, outbound in
                try await outbound.write(.init(bytes: [1]))
                for try await _ in inbound { break }
                #expect(door.upstream.activeConnections == 1)
                _ = try? await connect(port: door.port).readToEnd()
                let outcome = await door.outcome()
                #expect(outcome.verdict == .refused(.clusterConnectionLimit))
                #expect(outcome.detail == "maxConnections is 1")
            }
            #expect(await door.outcome().verdict == .allowed)
            #expect(door.upstream.activeConnections == 0)
        }
    }

    @Test("a name that leads only to denied addresses is refused, and one address among several is passed over")
    func denied() async throws {
        let upstream = try await Upstream(echo)
        let cluster = Cluster(
            name: "c", endpoints: [Endpoint(address: "backend.test", port: upstream.port)],
            resolvedAddresses: AddressRules(deny: ["127.0.0.0/8", "169.254.0.0/16"], allow: ["127.0.0.1"]))
        let none = self.door(cluster, "::ffff:169.254.169.254", "127.0.0.2")
        _ = try? await connect(port: none.port).readToEnd(saying: [1])
        let outcome = await none.outcome()
        #expect(outcome.verdict == .refused(.addressDenied))
        #expect(outcome.detail == "::ffff:169.254.169.254 may not be dialled")
        #expect(upstream.acceptedConnections == 0)
        let some = self.door(cluster, "169.254.169.254", "127.0.0.1")
        #expect(try await connect(port: some.port).exchange([1, 2]) == [1, 2])
    }

    @Test("failures here set an endpoint aside for everybody")
    func health() async throws {
        let upstream = try await Upstream(echo)
        let door = self.door(
            Cluster(
                name: "c",
                endpoints: [
                    Endpoint(address: "127.0.0.1", port: closedPort()), Endpoint(address: "127.0.0.1", port: upstream.port, priority: 1),
                ]))
        for _ in 0..<5 { #expect(try await connect(port: door.port).exchange([1]) == [1]) }
        #expect(door.upstream.states[0].failureCount == 3)
        var generator = FastGenerator()
        let passing = door.upstream.begin(excluding: Tried(), now: Int64(DispatchTime.now().uptimeNanoseconds), using: &generator)
        #expect(passing?.place == 1)
    }
}
