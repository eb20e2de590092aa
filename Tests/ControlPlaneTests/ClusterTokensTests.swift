import ConfigSync
import Foundation
import JSONModel
import KubeAPI
import MeshModel
import Planning
import Testing
import Tokens

@testable import ControlPlane

/// An egress on a VM proves itself to a control plane on Kubernetes by a zone token.
@Suite("Zone tokens on Kubernetes")
struct ClusterTokensTests {
    private let world = StillWorld()
    private let cluster = ScriptedCluster()
    private let keys: TokenKeys
    private let authenticator: ClusterAuthenticator

    init() {
        let (world, cluster) = (self.world, self.cluster)
        self.keys = TokenKeys(ClusterTokenSecrets(source: world, writer: cluster))
        let pods = TokenAuthenticator(
            review: { _, _ in AdmissionTests.review { $0.set(["status", "authenticated"], to: false) } },
            evidence: { _ in AdmissionEvidence(systemNamespace: "kuma-system") })
        self.authenticator = ClusterAuthenticator(pods: pods, keys: self.keys, zone: { "east" }) { world.object($0.type, $1) }
        var vm = KubeObject(.zoneEgresses, name: "vm-1", namespace: "kuma-system")
        vm.spec = ["networking": ["address": "10.0.0.9", "port": 10002]]
        var managed = KubeObject(.zoneEgresses, name: "egress", namespace: "kuma-system")
        managed.spec = ["networking": ["port": 10002]]
        var elsewhere = vm
        elsewhere.metadata.namespace = "shop"
        elsewhere.metadata.name = "vm-2"
        var ingress = KubeObject(.zoneIngresses, name: "in-1", namespace: "kuma-system")
        ingress.spec = ["networking": ["address": "10.0.0.8", "port": 10001]]
        var west = ingress
        west.metadata.json["name"] = "west"
        west.spec["zone"] = "west"
        var ours = KubeObject(.zoneIngresses, name: "ingress", namespace: "kuma-system")
        ours.spec = ["zone": "east"]
        world.set([vm, managed, elsewhere, ingress, west, ours])
    }

    private func refusal(_ type: ProxyType, _ name: String, _ token: String) async -> AccessRefusal.Reason? {
        let claim = ProxyClaim(type: type, name: name, mesh: "", home: .kubernetes)
        do throws(AccessRefusal) {
            try await self.authenticator.authenticate(token: token, as: claim)
            try self.authenticator.authorize(claim, token: token)
            return nil
        } catch {
            return error.reason
        }
    }

    /// What the control plane wrote is in its cache a moment later.
    private func seeWrites() {
        for serial in 1...2 {
            let key = ObjectKey(namespace: "kuma-system", name: "zone-token-signing-key-\(serial)")
            if let secret = self.cluster[.secrets, key], self.world.object(.secrets, key) == nil { self.world.add(secret) }
        }
    }

    @Test("The first token makes its key, as a Secret in Kuma's form; the token opens exactly the egresses with an address")
    func life() async throws {
        let api = TokenAPI(keys: self.keys, zone: { "east" }, hasDataplaneTokens: false) { nil }
        func issued(_ body: JSON) async throws -> String {
            let reply = try await api.respond(to: APIRequest(.post, ["tokens", "zone"], body: Array(body.data)), now: Date())
            guard case .text(let token)? = reply?.body else { throw APIProblem(500, "no token", "") }
            return token
        }
        let token = try await issued(["scope": ["egress"], "validFor": "1h"])
        let key = ObjectKey(namespace: "kuma-system", name: "zone-token-signing-key-1")
        let secret = try #require(self.cluster[.secrets, key])
        #expect(secret["type"] == "system.kuma.io/global-secret" && secret.secretText("value")?.hasPrefix("-----BEGIN") == true)
        // Another replica, whose cache is behind, signs with the same key.
        let second = try await issued(["scope": ["egress"], "validFor": "1h"])
        #expect(self.cluster.writes == ["create Secret/kuma-system/\(key.name)"])
        self.seeWrites()
        #expect(await self.refusal(.egress, "vm-1", token) == nil)
        #expect(await self.refusal(.egress, "vm-1", second) == nil)
        #expect(await self.refusal(.egress, "egress", token) == .notAnEgress)
        #expect(await self.refusal(.egress, "nobody", token) == .noResource)
        #expect(await self.refusal(.egress, "vm-2", token) == .noResource)
        // A token of ours is none for a pod's place, whatever the pod.
        #expect(await self.refusal(.egress, "egret-egress-1.kuma-system", token) == .noResource)
        #expect(await self.refusal(.ingress, "vm-1", token) == .tokenWrongScope)
        #expect(await self.refusal(.dataplane, "web-1.shop", token) == .tokenWrongScope)
        #expect(
            await self.refusal(.egress, "vm-1", try await issued(["scope": ["egress"], "zone": "west", "validFor": "1h"]))
                == .tokenWrongZone)
        let forIngresses = try await issued(["scope": ["ingress"], "validFor": "1h"])
        #expect(await self.refusal(.ingress, "in-1", forIngresses) == nil)
        #expect(await self.refusal(.ingress, "ingress", forIngresses) == .notAnIngress)
        #expect(await self.refusal(.ingress, "west", forIngresses) == .noResource)
        #expect(await self.refusal(.ingress, "vm-1", forIngresses) == .noResource)
        #expect(await self.refusal(.egress, "vm-1", forIngresses) == .tokenWrongScope)
        await #expect(throws: APIProblem.self) {
            _ = try await api.respond(
                to: APIRequest(.post, ["tokens", "dataplane"], body: Array(#"{"validFor":"1h"}"#.utf8)), now: Date())
        }
    }

    @Test("Keys rotate and tokens are revoked by Secrets; only Secrets of the right type and place count")
    func rotation() async throws {
        let forge = try Forge(serial: 2)
        func secret(_ name: String, _ text: String, type: String = "system.kuma.io/global-secret", namespace: String = "kuma-system")
            -> KubeObject
        {
            .secret(name: name, namespace: namespace, type: type, labels: [:], texts: ["value": text])
        }
        let token = try forge.zone()
        #expect(await self.refusal(.egress, "vm-1", token) == .tokenUnknownKey)
        self.world.add(secret("zone-token-signing-key-2", forge.key.pem, type: "Opaque"))
        self.world.add(secret("zone-token-signing-key-2", forge.key.pem, namespace: "shop"))
        #expect(await self.refusal(.egress, "vm-1", token) == .tokenUnknownKey)
        self.world.add(secret("zone-token-signing-public-key-2", try forge.key.verificationKey.pem))
        #expect(await self.refusal(.egress, "vm-1", token) == nil)
        self.world.add(secret("zone-token-revocations", "id-1"))
        #expect(await self.refusal(.egress, "vm-1", token) == .tokenRevoked)
        #expect(await self.refusal(.egress, "vm-1", try forge.zone(id: "id-9")) == nil)
        // Not ours, so Kubernetes is asked.
        #expect(await self.refusal(.egress, "egret-egress-1.kuma-system", "nonsense") == .tokenRejected)
        #expect(await self.refusal(.dataplane, "web-1.shop", try forge.dataplane()) == .tokenRejected)
    }

    @Test("Public keys of the settings prove tokens that were signed elsewhere, and with useSecrets: false nothing else does")
    func publicKeys() async throws {
        let (ours, theirs) = (try Forge(serial: 1), try Forge(serial: 5))
        self.world.add(
            .secret(
                name: "zone-token-signing-key-1", namespace: "kuma-system", type: "system.kuma.io/global-secret", labels: [:],
                texts: ["value": ours.key.pem]))
        let json: JSON = [
            "dpServer": [
                "authn": [
                    "zoneProxy": [
                        "zoneToken": [
                            "enableIssuer": false,
                            "validator": [
                                "useSecrets": false, "publicKeys": [["kid": "5", "key": .string(try theirs.key.verificationKey.pem)]],
                            ],
                        ]
                    ]
                ]
            ]
        ]
        let settings = try EgretSettings(json).tokens.resolved()
        let keys = TokenKeys(ClusterTokenSecrets(source: self.world, writer: self.cluster)) { settings }
        #expect(throws: Never.self) { _ = try keys.verifier(.zoneTokens).verify(theirs.zone(), as: ZoneToken.self, now: Date()) }
        #expect(throws: TokenRefusal(.unknownKey, "")) {
            _ = try keys.verifier(.zoneTokens).verify(ours.zone(), as: ZoneToken.self, now: Date())
        }
        await #expect(throws: TokenKeyError.self) { _ = try await keys.signingKey(.zoneTokens, now: Date()) }
    }

    @Test("What is wrong with the settings of tokens is named by its place")
    func badSettings() throws {
        func fields(_ key: JSON) -> [String] {
            let json: JSON = ["dpServer": ["authn": ["zoneProxy": ["zoneToken": ["validator": ["publicKeys": [key]]]]]]]
            do {
                _ = try EgretSettings(json).tokens.resolved()
                return []
            } catch {
                return error.violations.map(\.field)
            }
        }
        let place = "dpServer.authn.zoneProxy.zoneToken.validator.publicKeys[0]"
        #expect(fields(["kid": "1", "key": "nonsense"]) == ["\(place).key"])
        #expect(fields(["kid": "1", "keyFile": "/nowhere"]) == ["\(place).keyFile"])
        #expect(fields(["kid": "1"]) == ["\(place).key"])
        #expect(fields(["key": "x"]) == ["\(place).kid"])
        #expect(fields(["kid": "1", "key": "x", "mesh": "default"]) == ["\(place).mesh"])
    }
}
