import Foundation
import Identity
import Routing
import Testing
import X509

@testable import TLSRelay

/// What may be given as keys, chains and roots.
@Suite(.timeLimit(.minutes(1))) struct CredentialTests {
    private let pki: PKI
    private let folder: Folder

    init() throws {
        self.pki = try PKI()
        self.folder = try Folder()
    }

    private func convert(_ leaf: PKI.Leaf, _ arguments: String...) async throws -> String {
        let key = try self.folder.write("key", leaf.key)
        _ = try await openssl([arguments[0], "-in", key, "-out", self.folder.path("out")] + arguments.dropFirst(), until: nil)
        return try String(contentsOfFile: self.folder.path("out"), encoding: .utf8)
    }

    @Test("keys may be PKCS#8, SEC1, also after its parameters, or PKCS#1")
    func keyForms() async throws {
        let ec = try self.pki.leaf("spiffe://default/zone-egress")
        let rsa = try self.pki.leaf("spiffe://default/zone-egress", key: .rsa(bits: 2048))
        let sec1 = try await self.convert(ec, "ec")
        let pkcs1 = try await self.convert(rsa, "rsa", "-traditional")
        #expect(ec.key.contains("BEGIN PRIVATE KEY") && sec1.contains("BEGIN EC PRIVATE KEY") && pkcs1.contains("BEGIN RSA PRIVATE KEY"))
        // As `openssl ecparam -genkey` writes them: prime256v1.
        let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        let credentials = TLSCredentials()
        for (leaf, key) in [(ec, ec.key), (ec, sec1), (ec, parameters + sec1), (rsa, rsa.key), (rsa, pkcs1)] {
            try credentials.setIdentity(mesh: "default", chainPEM: leaf.chain, keyPEM: key)
        }
    }

    private func problem(_ chain: String, _ key: String) -> String? {
        do {
            try TLSCredentials().setIdentity(mesh: "default", chainPEM: chain, keyPEM: key)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test("what cannot be used is named with a way out")
    func problems() async throws {
        let root = try Signer.root()
        let intermediate = try Signer(
            UnusualCertificate(uris: [], isCA: true, keyUsage: KeyUsage(keyCertSign: true), usages: nil), name: "intermediate", by: root)
        let leaf = try Signer(UnusualCertificate(), name: "web", by: intermediate).leaf
        let encrypted = try await self.convert(leaf, "pkcs8", "-topk8", "-passout", "pass:secret")
        let old = try await self.convert(leaf, "ec", "-aes128", "-passout", "pass:secret")
        let sentence = "the private key is encrypted; store it without a passphrase (openssl pkey -in KEY -out PLAIN)"
        #expect(self.problem(leaf.chain, encrypted) == sentence)
        #expect(self.problem(leaf.chain, old) == sentence)
        #expect(self.problem(leaf.chain, "nothing") == "the private key is not PEM in PKCS#8, SEC1 or PKCS#1 form")
        #expect(self.problem(leaf.chain, leaf.chain) == "the private key is not PEM in PKCS#8, SEC1 or PKCS#1 form")
        #expect(self.problem("", leaf.key) == "it is not a PEM certificate bundle")
        let cut = String(leaf.chain.prefix(leaf.chain.count / 2))
        #expect(self.problem(cut, leaf.key) == "it is not a PEM certificate bundle")
        #expect(self.problem(leaf.chain + "\n" + cut, leaf.key) == "it is not a PEM certificate bundle")
        let reversed = try intermediate.pem + "\n" + leaf.chain
        #expect(
            self.problem(reversed, leaf.key)
                == "the chain is in the wrong order: the certificate of the private key is number 2 and must be first")
        #expect(self.problem(leaf.chain + "\n" + (try intermediate.pem), leaf.key) == nil)
        let other = try self.pki.leaf("spiffe://default/web")
        #expect(
            self.problem(leaf.chain, other.key) == "certificate and private key do not fit together (key values mismatch)")
    }

    @Test("without a CA the roots that SSL_CERT_FILE names decide; without any the cluster is refused by name")
    func systemRoots() async throws {
        let bundle = try self.folder.write("bundle", self.pki.ca)
        let upstream = try await Upstream(tls: try .server(try self.pki.leaf(dns: ["api.example"])), echo)
        let cluster = Cluster(
            name: "c", endpoints: [Endpoint(address: "127.0.0.1", port: upstream.port)],
            tls: .external(ExternalTLS(serverName: "api.example")))
        let door = FrontDoor(TLSCredentials(environment: ["SSL_CERT_FILE": bundle]), .originate, to: cluster)
        #expect(try await connect(port: door.port).exchange([5]) == [5])

        let nothing = self.folder.path("nothing")
        let errors = TLSCredentials(environment: ["SSL_CERT_FILE": nothing]).prepare([cluster])
        #expect(
            errors.map(\.message) == [
                "its TLS settings cannot be used: SSL_CERT_FILE names \(nothing), which has no CA certificates"
            ])
    }
}
