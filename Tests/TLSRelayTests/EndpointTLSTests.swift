import Foundation
import NIOSSL
import Routing
import TLSRelay
import Testing

/// Endpoints of one cluster that speak different TLS, and what else of TLS an external service may ask for.
@Suite(.timeLimit(.minutes(1))) struct EndpointTLSTests {
    private let pki: PKI
    private let credentials = TLSCredentials()

    init() throws { self.pki = try PKI(mesh: "outside") }

    private func door(_ cluster: Cluster) -> FrontDoor { FrontDoor(self.credentials, .originate, to: cluster) }

    private func external(_ name: String?, _ change: (inout ExternalTLS) -> Void = { _ in }) -> UpstreamTLS {
        var tls = ExternalTLS(serverName: name, ca: self.pki.ca)
        change(&tls)
        return .external(tls)
    }

    @Test("each endpoint is spoken to in its own way, also where it is tried after another")
    func each() async throws {
        let first = try await Upstream(tls: try .server(try self.pki.leaf(dns: ["a.example"])), echo)
        let second = try await Upstream(tls: try .server(try self.pki.leaf(dns: ["b.example"])), echo)
        let plain = try await Upstream(echo)
        for (port, own) in [(first.port, nil), (second.port, self.external("b.example")), (plain.port, UpstreamTLS.none)] {
            let cluster = Cluster(
                name: "c",
                endpoints: [
                    Endpoint(address: "127.0.0.1", port: closedPort(), tls: UpstreamTLS.none),
                    Endpoint(address: "127.0.0.1", port: port, priority: 1, tls: own),
                ], tls: self.external("a.example"))
            let door = self.door(cluster)
            #expect(try await connect(port: door.port).exchange([5]) == [5])
            #expect(await door.outcome().verdict == .allowed)
        }
    }

    @Test("one place under two server names is two endpoints")
    func oneAddress() async throws {
        let upstream = try await Upstream(tls: try .server(try self.pki.leaf(dns: ["b.example"])), echo)
        let cluster = Cluster(
            name: "c",
            endpoints: [
                Endpoint(address: "127.0.0.1", port: upstream.port),
                Endpoint(address: "127.0.0.1", port: upstream.port, priority: 1, tls: self.external("b.example")),
            ], tls: self.external("a.example"))
        // The first is not who it should be; the second is.
        let door = self.door(cluster)
        #expect(try await connect(port: door.port).exchange([5]) == [5])
    }

    @Test("settings of an endpoint that make no TLS cost that endpoint")
    func broken() async throws {
        let upstream = try await Upstream(tls: try .server(try self.pki.leaf(dns: ["a.example"])), echo)
        let cluster = Cluster(
            name: "c",
            endpoints: [
                Endpoint(address: "127.0.0.1", port: upstream.port, tls: self.external("a.example") { $0.ca = "nonsense" }),
                Endpoint(address: "127.0.0.1", port: upstream.port, priority: 1),
            ], tls: self.external("a.example"))
        let errors = self.credentials.prepare([cluster])
        #expect(
            errors.map(\.message) == [
                "endpoint 127.0.0.1:\(upstream.port): its TLS settings cannot be used: it is not a PEM certificate bundle"
            ])
        let door = self.door(cluster)
        #expect(try await connect(port: door.port).exchange([5]) == [5])
    }

    @Test(
        "of several names any will do, and others will not",
        arguments: [
            (["other.example"], [], [NameMatch("other.example")], true), (["a.example"], [], [NameMatch("x")], true),
            (["other.example"], [], [NameMatch("OTHER.example")], true), (["other.example"], [], [NameMatch("other")], false),
            (["other.example"], [], [NameMatch("other", isPrefix: true)], true),
            (["x.example"], ["spiffe://outside/api"], [NameMatch("spiffe://outside/", isPrefix: true)], true),
            (["x.example"], ["spiffe://outside/api"], [NameMatch("spiffe://outside/")], false),
        ])
    func names(dns: [String], uris: [String], names: [NameMatch], isBelieved: Bool) async throws {
        let leaf = try uris.isEmpty ? self.pki.leaf(dns: dns) : self.pki.leaf(uris[0], dns: dns)
        let upstream = try await Upstream(tls: try .server(leaf), echo)
        let cluster = Cluster(
            name: "c", endpoints: [Endpoint(address: "127.0.0.1", port: upstream.port)],
            tls: self.external("a.example") { $0.names = names })
        let door = self.door(cluster)
        let answer = try? await connect(port: door.port).exchange([5])
        #expect((answer == [5]) == isBelieved)
        #expect(await door.outcome().verdict == (isBelieved ? .allowed : .refused(.untrustedUpstream)))
    }

    @Test("an address among the names is compared as an address")
    func address() async throws {
        let upstream = try await Upstream(tls: try .server(try self.pki.leaf(ips: ["10.1.2.3"])), echo)
        let cluster = Cluster(
            name: "c", endpoints: [Endpoint(address: "127.0.0.1", port: upstream.port)],
            tls: self.external("a.example") { $0.names = [NameMatch("10.1.2.3")] })
        let door = self.door(cluster)
        #expect(try await connect(port: door.port).exchange([5]) == [5])
    }

    @Test("another CA's certificate has no name that would do")
    func otherAuthority() async throws {
        let upstream = try await Upstream(tls: try .server(try PKI().leaf(dns: ["a.example"])), echo)
        let cluster = Cluster(
            name: "c", endpoints: [Endpoint(address: "127.0.0.1", port: upstream.port)],
            tls: self.external("a.example") { $0.names = [NameMatch("a", isPrefix: true)] })
        let door = self.door(cluster)
        _ = try? await connect(port: door.port).readToEnd()
        #expect(await door.outcome().verdict == .refused(.untrustedUpstream))
    }

    @Test("protocols are offered and versions kept to, as a real server sees it")
    func protocolsAndVersions() async throws {
        let folder = try Folder()
        let leaf = try self.pki.leaf(dns: ["a.example"])
        for (version, words) in [(ExternalTLS.Version.v12, "TLSv1.2"), (.v13, "TLSv1.3")] {
            let server = try OpenSSL(
                ["s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-cert", try folder.write("cert", leaf.chain)]
                    + ["-key", try folder.write("key", leaf.key), "-alpn", "http/1.1,h2", "-rev"])
            let listening = await server.output(until: "ACCEPT 127.0.0.1:")
            let port = try #require(UInt16(listening.components(separatedBy: "127.0.0.1:")[1].prefix { $0.isNumber }))
            let tls = self.external("a.example") {
                $0.alpn = ["h2"]
                $0.minVersion = version
                $0.maxVersion = version
            }
            let door = self.door(Cluster(name: "c", endpoints: [Endpoint(address: "127.0.0.1", port: port)], tls: tls))
            #expect(try await connect(port: door.port).exchange(Array("abc\n".utf8)) == Array("cba\n".utf8))
            let output = await server.output(until: nil)
            #expect(output.contains("ALPN protocols selected: h2"))
            #expect(output.contains(words), "\(output)")
        }
    }
}
