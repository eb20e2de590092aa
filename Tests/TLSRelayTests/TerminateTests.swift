import Foundation
import Identity
import NIOCore
import NIOSSL
import Routing
import TLSRelay
import Testing

/// Mesh mTLS from a client ends at the relay.
@Suite(.timeLimit(.minutes(1))) struct TerminateTests {
    private let pki: PKI
    private let credentials = TLSCredentials()
    private let web: PKI.Leaf

    init() throws {
        self.pki = try PKI()
        let own = try self.pki.leaf("spiffe://default/zone-egress")
        #expect(self.credentials.setTrust([Trust(mesh: "default", ca: self.pki.ca)]).isEmpty)
        try self.credentials.setIdentity(mesh: "default", chainPEM: own.chain, keyPEM: own.key)
        self.web = try self.pki.leaf("spiffe://default/web", "kuma://version/1")
    }

    private func door(to upstream: Upstream, allow: [String] = ["spiffe://default/web"], deny: [String] = []) -> FrontDoor {
        FrontDoor(
            self.credentials, .terminate(mesh: "default", callers: CallerRules(allow: allow, deny: deny)),
            to: Cluster(name: "default:es", endpoints: [Endpoint(address: "127.0.0.1", port: upstream.port)]))
    }

    @Test("a permitted caller's bytes go to a plain upstream and back, with TLS 1.2 and 1.3", arguments: [TLSVersion.tlsv12, .tlsv13])
    func allowed(_ version: TLSVersion) async throws {
        let upstream = try await Upstream(echo)
        let door = self.door(to: upstream)
        var tls = try TLSConfiguration.client(trusting: self.pki.ca, as: self.web)
        tls.minimumTLSVersion = version
        tls.maximumTLSVersion = version
        let answer = try await connect(port: door.port, tls: tls, serverName: "es{mesh=default}").exchange(Array("ping".utf8))
        #expect(answer == Array("ping".utf8))
        let outcome = await door.outcome()
        #expect(outcome.verdict == .allowed && outcome.ending == .finished)
        #expect(outcome.caller == "spiffe://default/web")
        #expect(outcome.endpoint == "127.0.0.1:\(upstream.port)")
        #expect(outcome.bytesIn == 4 && outcome.bytesOut == 4)
        #expect(outcome.connectDuration != nil && outcome.detail == nil)
    }

    @Test("a caller is told by its tags too, and the record names its SPIFFE id")
    func byTags() async throws {
        let tls = try TLSConfiguration.client(trusting: self.pki.ca, as: self.web)
        for (allow, deny, isAllowed) in [
            (["kuma://version/1"], [], true), (["spiffe://default/web kuma://version/1"], [], true), (["kuma://version/*"], [], true),
            (["kuma://version/2"], [], false), (["spiffe://default/web kuma://version/2"], [], false),
            (["spiffe://default/*"], ["kuma://version/1"], false),
        ] {
            let upstream = try await Upstream(echo)
            let door = self.door(to: upstream, allow: allow, deny: deny)
            let answer = try? await connect(port: door.port, tls: tls).exchange([1])
            #expect((answer == [1]) == isAllowed, "allow \(allow), deny \(deny)")
            let outcome = await door.outcome()
            #expect(outcome.verdict == (isAllowed ? .allowed : .refused(.notPermitted)))
            #expect(outcome.caller == "spiffe://default/web")
            #expect(upstream.acceptedConnections == (isAllowed ? 1 : 0))
        }
    }

    @Test("an RSA client certificate is as good as any")
    func rsa() async throws {
        let upstream = try await Upstream(echo)
        let door = self.door(to: upstream)
        let leaf = try self.pki.leaf("spiffe://default/web", key: .rsa(bits: 2048))
        var tls = try TLSConfiguration.client(trusting: self.pki.ca, as: leaf)
        tls.maximumTLSVersion = .tlsv12
        #expect(try await connect(port: door.port, tls: tls).exchange([1]) == [1])
    }

    @Test("a caller nobody permitted gets a clean close, and nothing is connected upstream")
    func notPermitted() async throws {
        let upstream = try await Upstream(echo)
        let door = self.door(to: upstream, allow: ["spiffe://default/other"])
        let tls = try TLSConfiguration.client(trusting: self.pki.ca, as: self.web)
        #expect(try await connect(port: door.port, tls: tls).readToEnd(saying: Array("GET /".utf8)).isEmpty)
        let outcome = await door.outcome()
        #expect(outcome.verdict == .refused(.notPermitted) && outcome.ending == .refused)
        #expect(outcome.caller == "spiffe://default/web")
        #expect(outcome.endpoint == nil && upstream.acceptedConnections == 0)
    }

    @Test("a deny by name beats an allow by pattern")
    func denied() async throws {
        let door = self.door(to: try await Upstream(echo), allow: ["spiffe://default/*"], deny: ["spiffe://default/web"])
        let tls = try TLSConfiguration.client(trusting: self.pki.ca, as: self.web)
        #expect(try await connect(port: door.port, tls: tls).readToEnd().isEmpty)
        #expect(await door.outcome().verdict == .refused(.notPermitted))
    }

    @Test("a client without a certificate gets an alert and the reason is recorded")
    func noCertificate() async throws {
        let door = self.door(to: try await Upstream(echo))
        let tls = try TLSConfiguration.client(trusting: self.pki.ca)
        await #expect(throws: (any Error).self) { try await connect(port: door.port, tls: tls).readToEnd(saying: [1]) }
        #expect(await door.outcome().verdict == .refused(.noClientCertificate))
    }

    @Test("a certificate of another CA is not believed")
    func otherAuthority() async throws {
        let door = self.door(to: try await Upstream(echo))
        let tls = try TLSConfiguration.client(trusting: self.pki.ca, as: try PKI().leaf("spiffe://default/web"))
        await #expect(throws: (any Error).self) { try await connect(port: door.port, tls: tls).readToEnd(saying: [1]) }
        #expect(await door.outcome().verdict == .refused(.untrustedClient))
    }

    @Test("a certificate of the mesh's CA without an identity in the mesh is not believed")
    func otherDomain() async throws {
        let door = self.door(to: try await Upstream(echo), allow: ["spiffe://other/web"])
        let tls = try TLSConfiguration.client(trusting: self.pki.ca, as: try self.pki.leaf("spiffe://other/web"))
        #expect(try await connect(port: door.port, tls: tls).readToEnd().isEmpty)
        #expect(await door.outcome().verdict == .refused(.untrustedClient))
    }

    @Test("bytes that are no handshake end in client_tls_failed")
    func noise() async throws {
        let door = self.door(to: try await Upstream(echo))
        _ = try? await connect(port: door.port).readToEnd(saying: Array("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(await door.outcome().verdict == .refused(.clientTLSFailed))
    }

    @Test("a client that says nothing is given up after the handshake's time")
    func silence() async throws {
        var options = TLSRelayOptions()
        options.handshakeTimeout = .milliseconds(50)
        let door = FrontDoor(
            self.credentials, .terminate(mesh: "default", callers: CallerRules()), to: Cluster(name: "c", endpoints: []), options: options)
        _ = try? await connect(port: door.port).readToEnd()
        let outcome = await door.outcome()
        #expect(outcome.verdict == .refused(.clientTLSFailed))
        #expect(outcome.detail == "the TLS handshake took too long")
    }

    @Test("without a certificate of its own in the mesh the relay answers with an alert: no_identity")
    func noIdentity() async throws {
        let door = FrontDoor(TLSCredentials(), .terminate(mesh: "default", callers: CallerRules()), to: Cluster(name: "c", endpoints: []))
        let answer = try await connect(port: door.port).readToEnd(saying: [0x16, 3, 1, 0, 1, 1])
        #expect(answer == [0x15, 3, 3, 0, 2, 2, 112])
        let outcome = await door.outcome()
        #expect(outcome.verdict == .refused(.noIdentity))
        #expect(outcome.detail == "this proxy has no certificate for mesh default yet")
    }

    @Test("no endpoint is said only to a permitted caller")
    func noEndpoint() async throws {
        let cluster = Cluster(name: "default:es", endpoints: [])
        let tls = try TLSConfiguration.client(trusting: self.pki.ca, as: self.web)
        let door = FrontDoor(self.credentials, .terminate(mesh: "default", callers: CallerRules()), to: cluster)
        #expect(try await connect(port: door.port, tls: tls).readToEnd().isEmpty)
        #expect(await door.outcome().verdict == .refused(.notPermitted))
        door.change(.terminate(mesh: "default", callers: CallerRules(allow: ["spiffe://default/*"])))
        #expect(try await connect(port: door.port, tls: tls).readToEnd().isEmpty)
        #expect(await door.outcome().verdict == .refused(.noEndpoint))
    }

    @Test("a resumed session is authorised anew", arguments: ["-tls1_2", "-tls1_3"])
    func resumption(_ version: String) async throws {
        let upstream = try await Upstream(greet)
        let door = self.door(to: upstream)
        let folder = try Folder()
        let common =
            ["s_client", "-connect", "127.0.0.1:\(door.port)", version, "-CAfile", try folder.write("ca", self.pki.ca)]
            + ["-cert", try folder.write("cert", self.web.chain), "-key", try folder.write("key", self.web.key)]
        let session = folder.path("session")
        let first = try await openssl(common + ["-sess_out", session], until: "hello")
        #expect(first.contains("New, "))
        #expect(await door.outcome().verdict == .allowed)
        let resumed = try await openssl(common + ["-sess_in", session], until: "hello")
        #expect(resumed.contains("Reused, "))
        #expect(await door.outcome().caller == "spiffe://default/web")

        door.change(.terminate(mesh: "default", callers: CallerRules()))
        let refused = try await openssl(common + ["-sess_in", session], until: nil)
        #expect(refused.contains("Reused, ") && !refused.contains("hello"))
        #expect(await door.outcome().verdict == .refused(.notPermitted))
        #expect(upstream.acceptedConnections == 2)

        // New trust, new sessions: what the old CA vouched for does not come back.
        let other = try PKI()
        let own = try other.leaf("spiffe://default/zone-egress")
        #expect(self.credentials.setTrust([Trust(mesh: "default", ca: other.ca)]).isEmpty)
        try self.credentials.setIdentity(mesh: "default", chainPEM: own.chain, keyPEM: own.key)
        door.change(.terminate(mesh: "default", callers: CallerRules(allow: ["spiffe://default/*"])))
        #expect(!(try await openssl(common + ["-sess_in", session], until: nil).contains("Reused, ")))
        #expect(await door.outcome().verdict == .refused(.untrustedClient))
    }

    @Test("a renewed certificate serves new connections and leaves open ones alone")
    func renewal() async throws {
        let upstream = try await Upstream(echo)
        let door = self.door(to: upstream)
        let tls = try TLSConfiguration.client(trusting: self.pki.ca, as: self.web)
        let stream = try await connect(port: door.port, tls: tls)
        try await stream.executeThenClose { inbound, outbound in
            var answers = inbound.makeAsyncIterator()
            try await outbound.write(ByteBuffer(string: "a"))
            #expect(try await answers.next() == ByteBuffer(string: "a"))
            let renewed = try self.pki.leaf("spiffe://default/zone-egress")
            try self.credentials.setIdentity(mesh: "default", chainPEM: renewed.chain, keyPEM: renewed.key)
            #expect(try await connect(port: door.port, tls: tls).exchange([9]) == [9])
            try await outbound.write(ByteBuffer(string: "b"))
            #expect(try await answers.next() == ByteBuffer(string: "b"))
            outbound.finish()
            #expect(try await answers.next() == nil)
        }
        #expect(await door.outcome().bytesOut == 1)
        #expect(await door.outcome().bytesOut == 2)
    }

    @Test("a key that does not fit is refused and the identity before stays")
    func wrongKey() async throws {
        let one = try self.pki.leaf("spiffe://default/zone-egress")
        let two = try self.pki.leaf("spiffe://default/zone-egress")
        #expect(throws: InvalidCredentials.self) {
            try self.credentials.setIdentity(mesh: "default", chainPEM: one.chain, keyPEM: two.key)
        }
        let door = self.door(to: try await Upstream(echo))
        let tls = try TLSConfiguration.client(trusting: self.pki.ca, as: self.web)
        #expect(try await connect(port: door.port, tls: tls).exchange([1]) == [1])
    }
}
