import Foundation
import Logging
import NIOCore
import NIOSSL
import Routing
import Synchronization
import TLSRelay
import Testing

/// TLS that begins at the relay: mesh mTLS from an application's plaintext, and TLS to the world outside.
@Suite(.timeLimit(.minutes(1))) struct OriginateTests {
    private let pki: PKI
    private let credentials = TLSCredentials()
    private let egress: PKI.Leaf

    init() throws {
        self.pki = try PKI()
        let own = try self.pki.leaf("spiffe://default/web")
        #expect(self.credentials.setTrust([Trust(mesh: "default", ca: self.pki.ca)]).isEmpty)
        try self.credentials.setIdentity(mesh: "default", chainPEM: own.chain, keyPEM: own.key)
        self.egress = try self.pki.leaf("spiffe://default/zone-egress")
    }

    private func door(_ tls: UpstreamTLS, _ ports: UInt16..., address: String = "127.0.0.1") -> FrontDoor {
        FrontDoor(
            self.credentials, .originate,
            to: Cluster(
                name: "c", endpoints: ports.enumerated().map { Endpoint(address: address, port: $1, priority: $0) }, tls: tls))
    }

    private let mesh = UpstreamTLS.mesh(mesh: "default", sni: "es{mesh=default}", peer: "spiffe://default/zone-egress")

    @Test("what is to come first comes ahead of TLS, and on an endpoint tried after another")
    func preface() async throws {
        let preface = Array("PROXY header".utf8)
        let first = Mutex<[UInt8]>([])
        let upstream = try await Upstream { stream in
            try await stream.executeThenClose { inbound, _ in
                for try await buffer in inbound {
                    let count = first.withLock { first in
                        first += buffer.readableBytesView
                        return first.count
                    }
                    if count > preface.count { return }
                }
            }
        }
        let cluster = Cluster(
            name: "c",
            endpoints: [
                Endpoint(address: "127.0.0.1", port: closedPort()), Endpoint(address: "127.0.0.1", port: upstream.port, priority: 1),
            ], tls: self.mesh)
        let door = FrontDoor(self.credentials, .originate, to: cluster, preface: preface)
        _ = try? await connect(port: door.port).readToEnd(saying: [1])
        #expect(await door.outcome().verdict == .refused(.upstreamTLSFailed))
        // A handshake record behind it.
        #expect(first.withLock { $0 }.starts(with: preface + [22, 3, 1]))

        let plain = try await Upstream(echo)
        let other = FrontDoor(
            self.credentials, .originate,
            to: Cluster(name: "c", endpoints: [Endpoint(address: "127.0.0.1", port: plain.port)]), preface: preface)
        #expect(try await connect(port: other.port).exchange(Array("ping".utf8)) == preface + Array("ping".utf8))
    }

    @Test("plaintext goes out as mesh mTLS to the expected peer")
    func meshTLS() async throws {
        let upstream = try await Upstream(tls: try .server(self.egress, requiring: self.pki.ca), echo)
        let door = self.door(self.mesh, upstream.port)
        #expect(try await connect(port: door.port).exchange(Array("ping".utf8)) == Array("ping".utf8))
        let outcome = await door.outcome()
        #expect(outcome.verdict == .allowed && outcome.ending == .finished && outcome.bytesOut == 4)
    }

    @Test("another identity than the expected one is not believed, however good its certificate")
    func otherPeer() async throws {
        let other = try self.pki.leaf("spiffe://default/zone-egress-2", "spiffe://other/zone-egress")
        let upstream = try await Upstream(tls: try .server(other), echo)
        let door = self.door(self.mesh, upstream.port)
        _ = try? await connect(port: door.port).readToEnd(saying: [1])
        let outcome = await door.outcome()
        #expect(outcome.verdict == .refused(.untrustedUpstream))
        #expect(
            outcome.detail
                == "the server is spiffe://default/zone-egress-2, spiffe://other/zone-egress, not spiffe://default/zone-egress")
    }

    @Test("the expected identity from another CA is not believed")
    func otherAuthority() async throws {
        let upstream = try await Upstream(tls: try .server(try PKI().leaf("spiffe://default/zone-egress")), echo)
        let door = self.door(self.mesh, upstream.port)
        _ = try? await connect(port: door.port).readToEnd(saying: [1])
        #expect(await door.outcome().verdict == .refused(.untrustedUpstream))
    }

    @Test("a failed endpoint costs a try, not the connection")
    func retry() async throws {
        let wrong = try await Upstream(tls: try .server(try self.pki.leaf("spiffe://default/other")), echo)
        let right = try await Upstream(tls: try .server(self.egress), echo)
        let door = self.door(self.mesh, closedPort(), wrong.port, right.port)
        #expect(try await connect(port: door.port).exchange([7]) == [7])
        let outcome = await door.outcome()
        #expect(outcome.verdict == .allowed && outcome.endpoint == "127.0.0.1:\(right.port)" && outcome.detail == nil)
    }

    @Test("a name is resolved, and each of its addresses tried")
    func hostName() async throws {
        let upstream = try await Upstream(tls: try .server(self.egress), echo)
        let door = self.door(self.mesh, upstream.port, address: "localhost")
        #expect(try await connect(port: door.port).exchange([7]) == [7])
        #expect(await door.outcome().endpoint == "localhost:\(upstream.port)")
    }

    @Test("an endpoint nobody listens on: connect_failed; a name nobody knows: name_not_resolved; none at all: no_endpoint")
    func unreachable() async throws {
        for (door, reason) in [
            (self.door(self.mesh, closedPort()), RefusalReason.connectFailed),
            (self.door(.none, 1, address: "no-such-host.invalid"), .nameNotResolved),
            (self.door(.none), .noEndpoint),
        ] {
            _ = try? await connect(port: door.port).readToEnd()
            #expect(await door.outcome().verdict == .refused(reason))
        }
    }

    @Test("without a certificate in the mesh nothing is connected: no_identity")
    func noIdentity() async throws {
        let upstream = try await Upstream(echo)
        let door = self.door(.mesh(mesh: "other", sni: "x{mesh=other}", peer: "spiffe://other/x"), upstream.port)
        _ = try? await connect(port: door.port).readToEnd()
        #expect(await door.outcome().verdict == .refused(.noIdentity))
        #expect(upstream.acceptedConnections == 0)
    }

    @Test("a server name is sent as it is, braces and all; a real server reads it and sees ALPN kuma")
    func serverName() async throws {
        let folder = try Folder()
        let cert = try folder.write("cert", self.egress.chain)
        let key = try folder.write("key", self.egress.key)
        let server = try OpenSSL(
            ["s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-cert", cert, "-key", key, "-cert2", cert, "-key2", key]
                + ["-CAfile", try folder.write("ca", self.pki.ca), "-Verify", "1", "-servername", "none", "-alpn", "kuma", "-rev"])
        let listening = await server.output(until: "ACCEPT 127.0.0.1:")
        let port = try #require(UInt16(listening.components(separatedBy: "127.0.0.1:")[1].prefix { $0.isNumber }))
        let door = self.door(self.mesh, port)
        #expect(try await connect(port: door.port).exchange(Array("abc\n".utf8)) == Array("cba\n".utf8))
        let output = await server.output(until: nil)
        #expect(output.contains("Hostname in TLS extension: \"es{mesh=default}\""))
        #expect(output.contains("ALPN protocols selected: kuma"))
    }

    @Test("a server name longer than 255 bytes is refused, not cut")
    func longServerName() async throws {
        let upstream = try await Upstream(tls: try .server(self.egress), echo)
        let name = String(repeating: "a", count: 256)
        let door = self.door(.mesh(mesh: "default", sni: name, peer: "spiffe://default/zone-egress"), upstream.port)
        _ = try? await connect(port: door.port).readToEnd()
        let outcome = await door.outcome()
        #expect(outcome.verdict == .refused(.upstreamTLSFailed))
        #expect(outcome.detail == "a server name of 256 bytes cannot be sent (1 to 255 can)")
        #expect(upstream.acceptedConnections == 0)
    }

    @Test("a server that refuses our certificate after a TLS 1.3 handshake is upstream_tls_failed")
    func refusedByServer() async throws {
        let upstream = try await Upstream(tls: try .server(self.egress, requiring: try PKI().ca), echo)
        let door = self.door(self.mesh, upstream.port)
        _ = try? await connect(port: door.port).readToEnd()
        #expect(await door.outcome().verdict == .refused(.upstreamTLSFailed))
    }

    @Test("an egress that refuses the server name is told apart, and whose log knows more is said")
    func refusedName() async throws {
        let upstream = try await Upstream { stream in
            try await stream.executeThenClose { inbound, outbound in
                for try await _ in inbound { break }
                try await outbound.write(ByteBuffer(bytes: [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70]))
            }
        }
        let door = self.door(self.mesh, upstream.port)
        _ = try? await connect(port: door.port).readToEnd()
        let outcome = await door.outcome()
        #expect(outcome.verdict == .refused(.upstreamTLSFailed))
        #expect(outcome.detail == "tlsv1 alert unrecognized name; if an egress or ingress is there, its log says why")
    }

    @Test("an upstream that never finishes its handshake is given up")
    func stuckHandshake() async throws {
        var options = TLSRelayOptions()
        options.connectTimeout = .milliseconds(50)
        let upstream = try await Upstream { stream in _ = try await stream.readToEnd() }
        let door = FrontDoor(
            self.credentials, .originate,
            to: Cluster(name: "c", endpoints: [Endpoint(address: "127.0.0.1", port: upstream.port)], tls: self.mesh), options: options)
        _ = try? await connect(port: door.port).readToEnd()
        let outcome = await door.outcome()
        #expect(outcome.verdict == .refused(.upstreamTLSFailed) && outcome.detail == "the TLS handshake took too long")
    }

    struct External: Sendable, CustomTestStringConvertible {
        var name: String?
        var verify = ExternalTLS.Verification.full
        var trusted = true
        var dns = ["api.example"]
        var ips: [String] = []
        var expected: RefusalReason?

        var testDescription: String { "\(self.name ?? "no name"), verify \(self.verify), \(self.dns + self.ips), trusted \(self.trusted)" }
    }

    @Test(
        "external TLS is verified as far as asked",
        arguments: [
            External(name: "api.example"),
            External(name: "other.example", expected: .untrustedUpstream),
            External(name: "api.example", trusted: false, expected: .untrustedUpstream),
            External(name: "a.b.example", dns: ["*.b.example"]),
            External(name: "other.example", verify: .chain),
            External(name: "other.example", verify: .chain, trusted: false, expected: .untrustedUpstream),
            External(name: "other.example", verify: .none, trusted: false),
            External(name: nil, dns: [], ips: ["127.0.0.1"]),
            External(name: nil, expected: .untrustedUpstream),
            External(name: "10.1.2.3", dns: [], ips: ["10.1.2.3"]),
            External(name: "10.1.2.3", dns: [], ips: ["127.0.0.1"], expected: .untrustedUpstream),
        ])
    func external(_ external: External) async throws {
        let pki = try PKI(mesh: "outside")
        let upstream = try await Upstream(tls: try .server(try pki.leaf(dns: external.dns, ips: external.ips)), echo)
        let ca = external.trusted ? pki.ca : self.pki.ca
        let door = self.door(.external(ExternalTLS(serverName: external.name, ca: ca, verify: external.verify)), upstream.port)
        let answer = try? await connect(port: door.port).exchange([5])
        let outcome = await door.outcome()
        if let expected = external.expected {
            #expect(outcome.verdict == .refused(expected) && answer != [5])
        } else {
            #expect(outcome.verdict == .allowed && answer == [5])
        }
    }

    @Test("without a CA the system's roots decide")
    func systemRoots() async throws {
        let upstream = try await Upstream(tls: try .server(try self.pki.leaf(dns: ["api.example"])), echo)
        let door = self.door(.external(ExternalTLS(serverName: "api.example")), upstream.port)
        _ = try? await connect(port: door.port).readToEnd()
        #expect(await door.outcome().verdict == .refused(.untrustedUpstream))
    }

    @Test("an external server may ask for a client certificate")
    func clientCertificate() async throws {
        let pki = try PKI(mesh: "outside")
        let own = try pki.leaf(dns: ["me.example"])
        let upstream = try await Upstream(tls: try .server(try pki.leaf(dns: ["api.example"]), requiring: pki.ca), echo)
        let tls = ExternalTLS(
            serverName: "api.example", ca: pki.ca, clientCertificate: ClientCertificate(certificate: own.chain, key: own.key))
        let door = self.door(.external(tls), upstream.port)
        #expect(try await connect(port: door.port).exchange([5]) == [5])
    }

    @Test("settings that make no TLS are named when applied")
    func brokenSettings() {
        let relay = TLSRelay(options: TLSRelayOptions(), credentials: self.credentials, logger: .init(label: "test"))
        let errors = relay.apply(
            ProxyConfig(
                clusters: [
                    Cluster(name: "default:a", endpoints: [], tls: .external(ExternalTLS(serverName: "a", ca: "nonsense"))),
                    Cluster(name: "default:b", endpoints: [], tls: .external(ExternalTLS(serverName: "b", ca: self.pki.ca))),
                ], trust: [Trust(mesh: "default", ca: "PEM?"), Trust(mesh: "other", ca: self.pki.ca)]))
        #expect(errors.map(\.item) == ["trust default", "cluster default:a"])
        #expect(errors[1].message == "its TLS settings cannot be used: it is not a PEM certificate bundle")
    }

    @Test("a server that is not verified is warned of once, when that begins")
    func unverified() {
        let lines = Mutexed<[String]>([])
        let relay = TLSRelay(
            options: TLSRelayOptions(), credentials: self.credentials, logger: Logger(label: "test") { _ in LineCollector(lines: lines) })
        func config(_ verify: ExternalTLS.Verification) -> ProxyConfig {
            ProxyConfig(clusters: [
                Cluster(name: "default:a", endpoints: [], tls: .external(ExternalTLS(serverName: "a", ca: self.pki.ca, verify: verify)))
            ])
        }
        for verify in [ExternalTLS.Verification.full, .none, .none, .chain, .none] { _ = relay.apply(config(verify)) }
        #expect(lines.value.count == 2)
        #expect(lines.value.allSatisfy { $0.hasPrefix("warning A cluster's server is not verified") && $0.hasSuffix("default:a") })
    }
}

private struct LineCollector: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info
    let lines: Mutexed<[String]>

    init(lines: Mutexed<[String]>) { self.lines = lines }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) { self.lines.value.append("\(event.level) \(event.message) \(event.metadata?["cluster"] ?? "")") }
}
