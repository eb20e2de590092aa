import Foundation
import NIOCore
import Routing
import TLSRelay
import Testing

/// The protocol's own choices, seen by OpenSSL.
@Suite(.timeLimit(.minutes(1))) struct ProtocolTests {
    private let pki: PKI
    private let credentials = TLSCredentials()
    private let folder: Folder
    private let arguments: [String]

    init() throws {
        self.pki = try PKI()
        let own = try self.pki.leaf("spiffe://default/zone-egress")
        #expect(self.credentials.setTrust([Trust(mesh: "default", ca: self.pki.ca)]).isEmpty)
        try self.credentials.setIdentity(mesh: "default", chainPEM: own.chain, keyPEM: own.key)
        let web = try self.pki.leaf("spiffe://default/web")
        self.folder = try Folder()
        self.arguments =
            ["-CAfile", try self.folder.write("ca", self.pki.ca)]
            + ["-cert", try self.folder.write("cert", web.chain), "-key", try self.folder.write("key", web.key)]
    }

    private func door(to upstream: Upstream) -> FrontDoor {
        FrontDoor(
            self.credentials, .terminate(mesh: "default", callers: CallerRules(allow: ["spiffe://default/web"])),
            to: Cluster(name: "default:es", endpoints: [Endpoint(address: "127.0.0.1", port: upstream.port)]))
    }

    private func client(_ door: FrontDoor, _ more: String...) -> [String] {
        ["s_client", "-connect", "127.0.0.1:\(door.port)"] + self.arguments + more
    }

    @Test(
        "what is older than TLS 1.2 with forward secrecy is refused with an alert",
        arguments: [
            (["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"], "alert protocol version", "unsupported protocol"),
            (["-tls1", "-cipher", "DEFAULT@SECLEVEL=0"], "alert protocol version", "unsupported protocol"),
            (["-tls1_2", "-cipher", "AES256-GCM-SHA384:ECDHE-ECDSA-AES256-SHA"], "alert handshake failure", "no shared cipher"),
            (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], "alert handshake failure", "no shared cipher"),
        ])
    func old(_ options: [String], _ alert: String, _ detail: String) async throws {
        let upstream = try await Upstream(greet)
        let door = self.door(to: upstream)
        #expect(try await openssl(self.client(door) + options, until: nil).contains(alert))
        let outcome = await door.outcome()
        #expect(outcome.verdict == .refused(.clientTLSFailed) && outcome.detail == detail)
        #expect(upstream.acceptedConnections == 0)
    }

    @Test(
        "AES-128 comes first whatever the client prefers, and a client may insist on another",
        arguments: [
            ([], "TLS_AES_128_GCM_SHA256"), (["-ciphersuites", "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"], "TLS_AES_128_GCM_SHA256"),
            (["-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], "TLS_CHACHA20_POLY1305_SHA256"),
            (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"], "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ])
    func ciphers(_ options: [String], _ cipher: String) async throws {
        let door = self.door(to: try await Upstream(greet))
        #expect(try await openssl(self.client(door) + options, until: "hello").contains("Cipher is \(cipher)"))
        #expect(await door.outcome().verdict == .allowed)
    }

    @Test("early data is never taken: a session offers none, and a client that sends some has to say it again")
    func earlyData() async throws {
        let upstream = try await Upstream(greet)
        let door = self.door(to: upstream)
        let session = self.folder.path("session")
        let first = try await openssl(self.client(door, "-tls1_3", "-sess_out", session), until: "hello")
        #expect(first.contains("Max Early Data: 0"))
        #expect(await door.outcome().verdict == .allowed)
        let early = try self.folder.write("early", "early")
        let second = try await openssl(self.client(door, "-tls1_3", "-sess_in", session, "-early_data", early), until: "hello")
        #expect(second.contains("Early data was not sent"))
        #expect(await door.outcome().bytesIn == 0)
    }

    @Test("renegotiation ends the connection")
    func renegotiation() async throws {
        let upstream = try await Upstream { stream in
            try await stream.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: "hello"))
                for try await _ in inbound {}
            }
        }
        let door = self.door(to: upstream)
        let client = try OpenSSL(self.client(door, "-tls1_2"))
        _ = await client.output(until: "hello")
        client.say("R\n")
        #expect(await client.output(until: nil).contains("no renegotiation"))
        let outcome = await door.outcome()
        #expect(outcome.ending == .failed && outcome.detail == "no renegotiation")
    }
}
