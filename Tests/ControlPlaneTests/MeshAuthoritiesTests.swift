import ControlPlane
import Foundation
import Identity
import JSONModel
import KubeAPI
import MeshModel
import Testing
import X509

@testable import Planning

struct MeshAuthoritiesTests {
    private static let namespace = "kuma-system"
    private let cluster = ScriptedCluster()
    private var maker: AuthorityMaker { AuthorityMaker(writer: self.cluster, namespace: Self.namespace) }

    private static func mesh() throws -> Mesh {
        try Mesh(
            name: "default",
            spec: ["mtls": ["enabledBackend": "ca-1", "backends": [["name": "ca-1", "type": "builtin"]]]])
    }

    private static func request(life: Duration = .seconds(86400)) throws -> AuthorityRequest {
        AuthorityRequest(mesh: try MeshName("default"), backend: "ca-1", rsaBits: nil, life: life, why: "a test")
    }

    private static func key(_ what: String) -> ObjectKey {
        ObjectKey(namespace: Self.namespace, name: "default.ca-builtin-\(what)-ca-1")
    }

    private func read() throws -> MeshAuthorities {
        var secrets: [ObjectKey: KubeObject] = [:]
        for key in [Self.key("cert"), Self.key("key")] { secrets[key] = self.cluster[.secrets, key] }
        return MeshAuthorities(
            meshes: [try Self.mesh()], secrets: secrets, namespace: Self.namespace, cache: AuthorityCache())
    }

    @Test("An authority is two Secrets in Kuma's form, made by create, without an owner")
    func made() async throws {
        try await self.maker.make(try Self.request(), now: Date())
        #expect(
            self.cluster.writes == [
                "create Secret/kuma-system/default.ca-builtin-key-ca-1", "create Secret/kuma-system/default.ca-builtin-cert-ca-1",
            ])
        let secret = try #require(self.cluster[.secrets, Self.key("cert")])
        #expect(secret["type"]?.string == "system.kuma.io/secret")
        #expect(secret.metadata.labels == ["kuma.io/mesh": "default"])
        #expect(secret.metadata.ownerReferences.isEmpty)
        let authorities = try self.read()
        #expect(authorities.sound.keys.map(\.text) == ["default"] && authorities.problems.isEmpty)
    }

    @Test("Making it again writes nothing")
    func again() async throws {
        try await self.maker.make(try Self.request(), now: Date())
        let writes = self.cluster.writes
        try await self.maker.make(try Self.request(), now: Date())
        #expect(self.cluster.writes == writes)
    }

    @Test("A key whose certificate was never made, by a writer that died, is finished rather than replaced")
    func halfMade() async throws {
        self.cluster.fail(
            "create Secret/kuma-system/default.ca-builtin-cert-ca-1", with: .transport(message: "gone", isSafeToRepeat: false))
        await #expect(throws: AuthorityMaker.Failure.self) { try await self.maker.make(try Self.request(), now: Date()) }
        let key = self.cluster[.secrets, Self.key("key")]
        self.cluster.fail("create Secret/kuma-system/default.ca-builtin-cert-ca-1", with: nil)
        try await self.maker.make(try Self.request(), now: Date())
        #expect(self.cluster[.secrets, Self.key("key")] == key)
        #expect(try self.read().problems.isEmpty)
    }

    @Test("A key made by somebody else in the same moment is the one that counts")
    func race() async throws {
        let other = ScriptedCluster()
        try await AuthorityMaker(writer: other, namespace: Self.namespace).make(try Self.request(), now: Date())
        let theirs = other[.secrets, Self.key("key")]
        self.cluster.beforeCreate = { $0[.secrets, Self.key("key")] = theirs }
        try await self.maker.make(try Self.request(), now: Date())
        #expect(self.cluster[.secrets, Self.key("key")]?.secretText("value") == theirs?.secretText("value"))
        #expect(try self.read().sound.count == 1)
    }

    @Test("What is wrong with the Secrets is said in a sentence")
    func problems() async throws {
        try await self.maker.make(try Self.request(), now: Date())
        let good = self.cluster[.secrets, Self.key("key")]
        self.cluster[.secrets, Self.key("key")] = nil
        #expect(
            try self.read().problems.values.first
                == "Secret kuma-system/default.ca-builtin-cert-ca-1 is there without default.ca-builtin-key-ca-1; restore the key, or delete the certificate to get a new authority"
        )
        let stranger = try KeyKind.p256.makeKey().pem
        self.cluster[.secrets, Self.key("key")] = .secret(
            name: Self.key("key").name, namespace: Self.namespace, type: "system.kuma.io/secret", labels: [:], texts: ["value": stranger])
        #expect(
            try self.read().problems.values.first
                == "the certificate and the private key of the certificate authority of mesh default do not belong together")
        self.cluster[.secrets, Self.key("key")] = good
        #expect(try self.read().problems.isEmpty)
    }

    @Test("While the next authority is being made, the one before signs; broken ones are told")
    func generations() async throws {
        try await self.maker.make(try Self.request(), now: Date())
        func authorities(_ generations: [JSON]) throws -> MeshAuthorities {
            let mesh = try Mesh(
                name: "default",
                spec: [
                    "mtls": [
                        "enabledBackend": "ca-1",
                        "backends": [["name": "ca-1", "type": "builtin", "conf": ["caCert": ["generations": .array(generations)]]]],
                    ]
                ])
            var secrets: [ObjectKey: KubeObject] = [:]
            for what in ["cert", "key", "cert-ca-1.2", "key-ca-1.2"] {
                let key = what.contains("ca-1") ? ObjectKey(namespace: Self.namespace, name: "default.ca-builtin-\(what)") : Self.key(what)
                secrets[key] = self.cluster[.secrets, key]
            }
            return MeshAuthorities(meshes: [mesh], secrets: secrets, namespace: Self.namespace, cache: AuthorityCache())
        }
        let first = try authorities([1])
        #expect(try authorities([2, 1]).signers == first.signers && authorities([1, 2]).trust == first.trust)
        #expect(try authorities([2]).sound.isEmpty && authorities([2]).problems.isEmpty)
        var request = try Self.request()
        request.generation = 2
        try await self.maker.make(request, now: Date())
        let second = try authorities([2])
        #expect(second.signers != first.signers)
        let name = try MeshName("default")
        #expect(try authorities([2, 1]).signers == second.signers)
        #expect(try authorities([2, 1]).trust[name] == (second.trust[name] ?? "") + (first.trust[name] ?? ""))
        #expect(try authorities([1, 2]).signers == first.signers)
    }

    @Test("A provided authority comes from the Secrets or texts the Mesh names")
    func provided() throws {
        let authority = try CertificateAuthority.makeBuiltin(
            mesh: "default", key: try KeyKind.p256.makeKey(), life: .seconds(3600), now: Date(), serial: .random())
        func mesh(_ key: JSON) throws -> Mesh {
            try Mesh(
                name: "default",
                spec: [
                    "mtls": [
                        "enabledBackend": "ca-1",
                        "backends": [
                            [
                                "name": "ca-1", "type": "provided",
                                "conf": ["cert": ["inlineString": .string(authority.certificate.pem)], "key": key],
                            ]
                        ],
                    ]
                ])
        }
        let inline = MeshAuthorities(
            meshes: [try mesh(["inline": .string(Data(authority.key.pem.utf8).base64EncodedString())])], secrets: [:],
            namespace: Self.namespace, cache: AuthorityCache())
        #expect(inline.sound.count == 1 && inline.problems.isEmpty)
        let missing = MeshAuthorities(
            meshes: [try mesh(["secret": "my-key"])], secrets: [:], namespace: Self.namespace, cache: AuthorityCache())
        #expect(missing.problems.values.first == "Secret kuma-system/my-key, which has the CA key of mesh default, does not exist")
    }
}
