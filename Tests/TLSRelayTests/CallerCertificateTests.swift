import Foundation
import Identity
import NIOSSL
import Routing
import Synchronization
import Testing
import X509

@testable import TLSRelay

/// Which certificates make a caller.
@Suite(.timeLimit(.minutes(1))) struct CallerCertificateTests {
    private let root: Signer
    private let own: PKI.Leaf
    private let time = Mutexed(Int64(Date().timeIntervalSince1970))
    private let credentials: TLSCredentials

    init() throws {
        self.root = try .root()
        self.own = try Signer(UnusualCertificate(uris: ["spiffe://default/zone-egress"]), name: "egress", by: self.root).leaf
        let time = self.time
        self.credentials = TLSCredentials(clock: { time.value })
        #expect(self.credentials.setTrust([Trust(mesh: "default", ca: try self.root.pem)]).isEmpty)
        try self.credentials.setIdentity(mesh: "default", chainPEM: self.own.chain, keyPEM: self.own.key)
    }

    private func door(to upstream: Upstream) -> FrontDoor {
        FrontDoor(
            self.credentials, .terminate(mesh: "default", callers: CallerRules(allow: ["spiffe://default/web"])),
            to: Cluster(name: "default:es", endpoints: [Endpoint(address: "127.0.0.1", port: upstream.port)]))
    }

    private func outcome(of leaf: PKI.Leaf) async throws -> TLSOutcome {
        let upstream = try await Upstream(echo)
        let door = self.door(to: upstream)
        let answer = try? await connect(port: door.port, tls: .client(trusting: try self.root.pem, as: leaf)).exchange([7])
        let outcome = await door.outcome()
        #expect((answer == [7]) == (outcome.verdict == .allowed))
        #expect(upstream.acceptedConnections == (outcome.verdict == .allowed ? 1 : 0))
        return outcome
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var certificate: UnusualCertificate
        var detail: String?

        init(_ title: String, _ detail: String? = nil, _ change: (inout UnusualCertificate) -> Void) {
            self.testDescription = title
            self.detail = detail
            self.certificate = UnusualCertificate()
            change(&self.certificate)
        }
    }

    private static let invalid = "the client's certificate is not valid under the mesh's CA: "

    @Test(
        "what the mesh's CA signed still has to be a workload's certificate, for clients, and valid now",
        arguments: [
            Case("as it should be") { _ in },
            Case("no extended key usage") { $0.usages = nil },
            Case("several ids and other URIs") { $0.uris = ["spiffe://default/api", "kuma://version/1", "spiffe://default/web"] },
            Case("RSA") { $0.key = .rsa(bits: 2048) },
            Case("expired", invalid + "certificate has expired") { $0.validity = -100 ..< -1 },
            Case("not yet valid", invalid + "certificate is not yet valid") { $0.validity = 100..<200 },
            Case("for servers only", invalid + "unsupported certificate purpose") { $0.usages = [.serverAuth] },
            Case("a CA", invalid + "it is a CA's certificate, not a workload's") {
                $0.isCA = true
                $0.keyUsage = KeyUsage(digitalSignature: true, keyCertSign: true)
            },
            Case("may sign revocations", invalid + "its key may sign certificates, as no workload's may") {
                $0.keyUsage = KeyUsage(digitalSignature: true, cRLSign: true)
            },
            Case("no id", "the client's certificate names no spiffe://default/… identity") { $0.uris = [] },
            Case("the mesh itself", "the client's certificate names no spiffe://default/… identity") { $0.uris = ["spiffe://default"] },
            Case("another mesh", "the client's certificate names no spiffe://default/… identity") { $0.uris = ["spiffe://defaul/web"] },
            Case("a line break", "the client's certificate names no spiffe://default/… identity") {
                $0.uris = ["spiffe://default/web\n"]
            },
        ])
    func rules(_ example: Case) async throws {
        let outcome = try await self.outcome(of: try Signer(example.certificate, name: "web", by: self.root).leaf)
        if let detail = example.detail {
            #expect(outcome.verdict == .refused(.untrustedClient) && outcome.detail == detail)
        } else {
            #expect(outcome.verdict == .allowed && outcome.detail == nil)
        }
    }

    @Test("an intermediate CA serves when the client sends it along, and only then")
    func intermediate() async throws {
        let signing = UnusualCertificate(uris: [], isCA: true, keyUsage: KeyUsage(keyCertSign: true), usages: nil)
        let intermediate = try Signer(signing, name: "intermediate", by: self.root)
        let leaf = try Signer(UnusualCertificate(), name: "web", by: intermediate).leaf
        #expect(try await self.outcome(of: leaf).verdict == .refused(.untrustedClient))
        let whole = PKI.Leaf(chain: leaf.chain + "\n" + (try intermediate.pem), key: leaf.key)
        #expect(try await self.outcome(of: whole).verdict == .allowed)
        // A root that the client sends along as well does no harm.
        let more = PKI.Leaf(chain: whole.chain + "\n" + (try self.root.pem), key: leaf.key)
        #expect(try await self.outcome(of: more).verdict == .allowed)
    }

    @Test("a workload cannot vouch for another one")
    func leafAsIssuer() async throws {
        let web = try Signer(UnusualCertificate(), name: "web", by: self.root)
        let other = try Signer(UnusualCertificate(), name: "other", by: web).leaf
        let outcome = try await self.outcome(of: PKI.Leaf(chain: other.chain + "\n" + (try web.pem), key: other.key))
        #expect(outcome.verdict == .refused(.untrustedClient))
    }

    @Test("an intermediate CA for other names cannot vouch for the mesh's")
    func nameConstraints() async throws {
        let signing = UnusualCertificate(
            uris: [], isCA: true, keyUsage: KeyUsage(keyCertSign: true), usages: nil, permittedURIDomains: ["other"])
        let intermediate = try Signer(signing, name: "intermediate", by: self.root)
        let leaf = try Signer(UnusualCertificate(), name: "web", by: intermediate).leaf
        let outcome = try await self.outcome(of: PKI.Leaf(chain: leaf.chain + "\n" + (try intermediate.pem), key: leaf.key))
        #expect(outcome.verdict == .refused(.untrustedClient))
    }

    @Test("a chain that was found good is not believed any longer than it is valid, and neither is a session begun with it")
    func remembered() async throws {
        let web = try Signer(UnusualCertificate(), name: "web", by: self.root).leaf
        let upstream = try await Upstream(greet)
        let door = self.door(to: upstream)
        let folder = try Folder()
        let common =
            ["s_client", "-connect", "127.0.0.1:\(door.port)", "-CAfile", try folder.write("ca", try self.root.pem)]
            + ["-cert", try folder.write("cert", web.chain), "-key", try folder.write("key", web.key)]
        let session = folder.path("session")
        #expect(try await openssl(common + ["-sess_out", session], until: "hello").contains("New, "))
        #expect(await door.outcome().verdict == .allowed)
        #expect(try await openssl(common, until: "hello").contains("New, "))
        #expect(await door.outcome().verdict == .allowed)

        self.time.value += 4000
        for arguments in [common, common + ["-sess_in", session]] {
            #expect(!(try await openssl(arguments, until: nil).contains("hello")))
            let outcome = await door.outcome()
            #expect(outcome.verdict == .refused(.untrustedClient))
            #expect(outcome.detail == Self.invalid + "certificate has expired")
        }
        #expect(upstream.acceptedConnections == 2)
    }

    @Test("a mesh whose trust is gone serves nobody, sessions of before included")
    func trustRemoved() async throws {
        let web = try Signer(UnusualCertificate(), name: "web", by: self.root).leaf
        let upstream = try await Upstream(greet)
        let door = self.door(to: upstream)
        let folder = try Folder()
        let common =
            ["s_client", "-connect", "127.0.0.1:\(door.port)", "-CAfile", try folder.write("ca", try self.root.pem)]
            + ["-cert", try folder.write("cert", web.chain), "-key", try folder.write("key", web.key)]
        let session = folder.path("session")
        #expect(try await openssl(common + ["-sess_out", session], until: "hello").contains("New, "))
        #expect(await door.outcome().verdict == .allowed)
        #expect(self.credentials.setTrust([]).isEmpty)
        #expect(try await openssl(common + ["-sess_in", session], until: nil).contains("unrecognized name"))
        #expect(await door.outcome().verdict == .refused(.noIdentity))
    }
}

/// A value that closures share.
final class Mutexed<Value: Sendable>: Sendable {
    private let stored: Mutex<Value>
    init(_ value: Value) { self.stored = Mutex(value) }
    var value: Value {
        get { self.stored.withLock { $0 } }
        set { self.stored.withLock { $0 = newValue } }
    }
}
