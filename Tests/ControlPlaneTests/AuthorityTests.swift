import ConfigSync
import Foundation
import Identity
import JSONModel
import Routing
import TestKit
import Testing
import X509

/// Authorities of meshes as proxies meet them: who signs, for how long, and whom to trust.
@Suite("Mesh authorities at the server")
struct AuthorityTests {
    private static func mesh(_ backend: JSON) -> JSON {
        var backend = backend
        backend["name"] = "ca-1"
        return [
            "type": "Mesh", "name": "default", "routing": ["zoneEgress": true], "mtls": ["enabledBackend": "ca-1", "backends": [backend]],
        ]
    }

    private static func builtin(_ generations: [Int], rsaBits: Int? = nil, expiration: String = "1d") -> JSON {
        var caCert: JSON = ["generations": .array(generations.map { JSON($0) }), "expiration": "10d"]
        caCert["RSAbits"] = rsaBits.map { JSON($0) }
        return Self.mesh([
            "type": "builtin", "dpCert": ["rotation": ["expiration": .string(expiration)]], "conf": ["caCert": caCert],
        ])
    }

    private static func authority() throws -> CertificateAuthority {
        try .makeBuiltin(mesh: "default", key: try KeyKind.p256.makeKey(), life: .seconds(3600), now: Date(), serial: .random())
    }

    /// What an egress is told about its mesh: how many roots to trust, and the word for the one that signs.
    private static func told(_ running: RunningUniversal, _ token: String) async throws -> (roots: [Certificate], signer: String?) {
        let config = try await running.config(.egress, "one", token: token)
        let roots = try config.trust.first.map { try Certificate.bundle(pem: $0.ca, what: "the trust") }
        return (roots ?? [], config.identities.first?.authority)
    }

    @Test("An authority is rotated by way of trust in two, and every step tells proxies whom to trust and when to ask again")
    func rotation() async throws {
        try await RunningUniversal.run { running in
            let token = try await running.issued("zone", ["scope": ["egress"], "validFor": "1h"])
            #expect(try await running.register("one", token: token).status == 204)
            func apply(_ generations: [Int]) async throws {
                #expect(try await running.api("PUT", "/meshes/default", Self.builtin(generations)).status < 300)
            }
            func told(_ what: String, until holds: @escaping @Sendable ([Certificate], String?) -> Bool) async throws -> (
                [Certificate], String
            ) {
                try await eventually(what) {
                    let (roots, signer) = try await Self.told(running, token)
                    return holds(roots, signer) ? (roots, signer ?? "") : nil
                }
            }
            let key = ProxyKey()
            func issuer(of roots: [Certificate]) async throws -> Certificate? {
                let leaf = try #require(try await running.certificate(key, "one", token: token))[0]
                return roots.first { $0.publicKey.isValidSignature(leaf.signature, for: leaf) }
            }
            try await apply([1])
            let (first, one) = try await told("one root") { $0.count == 1 && $1 != nil }
            try await apply([1, 2])
            let (both, still) = try await told("two roots") { roots, _ in roots.count == 2 }
            #expect(still == one && both[0] == first[0])
            #expect(try await issuer(of: both) == first[0])
            try await apply([2, 1])
            let (swapped, two) = try await told("another signs") { _, signer in signer != one }
            #expect(Set(swapped.map(\.pem)) == Set(both.map(\.pem)))
            #expect(try await issuer(of: both) == both[1])
            try await apply([2])
            let (last, signer) = try await told("one root again") { roots, _ in roots.count == 1 }
            #expect(last == [both[1]] && signer == two)
            #expect(try await issuer(of: last) == both[1])
            // The keys of both are shown to nobody.
            for name in ["default.ca-builtin-key-ca-1", "default.ca-builtin-key-ca-1.2"] {
                let secret = try await running.api("GET", "/meshes/default/secrets/\(name)")
                #expect(secret.status == 200 && secret.json["data"] == nil)
            }
        }
    }

    @Test("A certificate lives as long as the mesh says, under an authority of the kind it says")
    func validity() async throws {
        try await RunningUniversal.run { running in
            #expect(try await running.api("PUT", "/meshes/default", Self.builtin([1], rsaBits: 2048, expiration: "20s")).status == 201)
            let token = try await running.issued("zone", ["scope": ["egress"], "validFor": "1h"])
            #expect(try await running.register("one", token: token).status == 204)
            let chain = try await eventually("it is signed") { try await running.certificate(ProxyKey(), "one", token: token) }
            #expect(chain[0].notValidAfter.timeIntervalSince(chain[0].notValidBefore) == 30, "20 s, and 10 s for clocks that differ")
            #expect(chain[0].signatureAlgorithm == .sha256WithRSAEncryption)
            #expect(try await running.api("PUT", "/meshes/other", Self.builtin([1], expiration: "9s")).json.text.contains("at least 10s"))
        }
    }

    @Test(
        "A provided authority comes inline, from secrets or from files, and rotates by a bundle of two",
        arguments: ["inline", "secret", "file"])
    func provided(source: String) async throws {
        let (old, new) = (try Self.authority(), try Self.authority())
        try await RunningUniversal.run { running in
            func provide(_ certificates: [CertificateAuthority], _ key: CertificateAuthority) async throws {
                let texts = ["cert": certificates.map(\.certificate.pem).joined(), "key": key.key.pem]
                var conf: JSON = [:]
                for (name, text) in texts {
                    switch source {
                    case "secret":
                        // The mesh has to be there first, and works without mTLS until then.
                        try await running.addSecret("my-\(name)", mesh: "default", text)
                        conf[name] = ["secret": .string("my-\(name)")]
                    case "file":
                        let path = "\(running.folder)/\(name).pem"
                        try text.write(toFile: path, atomically: true, encoding: .utf8)
                        conf[name] = ["file": .string(path)]
                    default: conf[name] = ["inlineString": .string(text)]
                    }
                }
                let answer = try await running.api("PUT", "/meshes/default", Self.mesh(["type": "provided", "conf": conf]))
                #expect(answer.status < 300, "\(answer.json.text)")
            }
            try await running.api("PUT", "/meshes/default", ["type": "Mesh", "name": "default"])
            let token = try await running.issued("zone", ["scope": ["egress"], "validFor": "1h"])
            #expect(try await running.register("one", token: token).status == 204)
            for (step, certificates, signer) in [(1, [old], old), (2, [old, new], old), (3, [old, new], new), (4, [new], new)] {
                try await provide(certificates, signer)
                try await eventually("step \(step)") { () -> Bool? in
                    let roots = try await Self.told(running, token).roots
                    guard roots == certificates.map(\.certificate),
                        let leaf = try await running.certificate(ProxyKey(), "one", token: token)
                    else { return nil }
                    return signer.certificate.publicKey.isValidSignature(leaf[0].signature, for: leaf[0]) ? true : nil
                }
            }
        }
    }

    @Test("The authority in use can be neither swapped nor dropped, in Kuma's words, and its secrets stay while it is in use")
    func guarded() async throws {
        try await RunningUniversal.run { running in
            #expect(try await running.api("PUT", "/meshes/default", Self.builtin([1])).status == 201)
            var other = Self.builtin([1])
            other["mtls"] = ["enabledBackend": "ca-2", "backends": [["name": "ca-2", "type": "builtin"]]]
            let answer = try await running.api("PUT", "/meshes/default", other)
            #expect(answer.status == 400)
            #expect(
                answer.json["invalid_parameters"]
                    == [
                        [
                            "field": "mtls.enabledBackend",
                            "reason": "Changing CA when mTLS is enabled is forbidden. Disable mTLS first and then change the CA",
                            "source": "body",
                        ]
                    ])
            try await eventually("it is made") {
                try await running.api("GET", "/meshes/default/secrets/default.ca-builtin-cert-ca-1").status == 200 ? true : nil
            }
            for what in ["cert", "key"] {
                let refused = try await running.api("DELETE", "/meshes/default/secrets/default.ca-builtin-\(what)-ca-1")
                #expect(refused.status == 400 && refused.detail.contains("in use"), "\(refused.json.text)")
            }
            #expect(try await running.api("PUT", "/meshes/default", ["type": "Mesh", "name": "default"]).status == 200)
            #expect(try await running.api("DELETE", "/meshes/default/secrets/default.ca-builtin-cert-ca-1").status == 200)
        }
    }
}
