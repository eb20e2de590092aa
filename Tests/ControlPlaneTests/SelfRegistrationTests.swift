import ConfigSync
import Foundation
import JSONModel
import Logging
import Planning
import ServiceLifecycle
import Store
import Testing
import Tokens

@testable import ControlPlane

@Suite("Proxies that bring their resource")
struct SelfRegistrationTests {
    private let world: UniversalWorld
    private let egress: JSON = ["type": "ZoneEgress", "name": "zoneegress-1", "networking": ["address": "10.0.0.9", "port": 10002]]

    init() throws { self.world = try UniversalWorld() }

    private func zoneToken(_ scopes: [JSON] = ["egress"], zone: String = "") async throws -> String {
        try await self.world.token("zone", ["scope": .array(scopes), "zone": .string(zone), "validFor": "1h"])
    }

    private func dataplane(service: String, mesh: String = "default") -> JSON {
        [
            "type": "Dataplane", "name": "web-1", "mesh": .string(mesh),
            "networking": ["address": "10.0.0.1", "inbound": [["port": 80, "tags": ["kuma.io/service": .string(service)]]]],
        ]
    }

    private var stored: StoredResource? { self.world.store[ResourceID(kind: "ZoneEgress", name: "zoneegress-1")] }

    @Test("A zone token of this zone and scope registers an egress; any other is refused with its reason")
    func zoneTokens() async throws {
        #expect(await self.world.refusal(self.egress, token: try await self.zoneToken()) == nil)
        #expect(self.stored?.labels[SelfRegistration.label] == "i")
        #expect(await self.world.refusal(self.egress, token: try await self.zoneToken(["ingress"])) == .tokenWrongScope)
        #expect(await self.world.refusal(self.egress, token: try await self.zoneToken(zone: "west")) == .tokenWrongZone)
        #expect(await self.world.refusal(self.egress, token: "nonsense") == .tokenMalformed)
        let user = try await self.world.token("user", ["name": "me", "validFor": "1h"])
        #expect(await self.world.refusal(self.egress, token: user) == .tokenBadSignature)
    }

    private let ingress: JSON = [
        "type": "ZoneIngress", "name": "in-1",
        "networking": ["address": "10.0.0.8", "port": 10001, "advertisedAddress": "203.0.113.1", "advertisedPort": 443],
    ]

    private func storedIngress(_ name: String = "in-1") -> StoredResource? {
        self.world.store[ResourceID(kind: "ZoneIngress", name: name)]
    }

    @Test("An ingress comes as an egress does; what it says of its zone's services is the control plane's word alone")
    func ingresses() async throws {
        let token = try await self.zoneToken(["ingress"])
        #expect(await self.world.refusal(self.ingress, type: .ingress, token: try await self.zoneToken()) == .tokenWrongScope)
        var boastful = self.ingress
        boastful["availableServices"] = [["mesh": "default", "tags": ["kuma.io/service": "everything"]]]
        #expect(await self.world.refusal(boastful, type: .ingress, token: token) == nil)
        #expect(self.storedIngress()?.spec["zone"] == "east" && self.storedIngress()?.spec["availableServices"] == nil)
        // What the control plane wrote stays, whoever brings the resource again.
        let found: JSON = [["mesh": "default", "tags": ["kuma.io/service": "web"], "instances": 2]]
        try self.world.store.write { transaction in
            let id = ResourceID(kind: "ZoneIngress", name: "in-1")
            var spec = try transaction.get(id)?.spec ?? [:]
            spec["availableServices"] = found
            try transaction.put(id, labels: [SelfRegistration.label: "i"], spec: spec, now: self.world.now)
        }
        #expect(await self.world.refusal(boastful, type: .ingress, token: token) == nil)
        #expect(self.storedIngress()?.spec["availableServices"] == found)
        #expect(self.world.call(.put, "/zone-ingresses/in-1", boastful).status == 200)
        #expect(self.storedIngress()?.spec["availableServices"] == found)
    }

    @Test("An ingress of another zone is that zone's: its proxies are not served here, and nobody takes its name")
    func foreignIngress() async throws {
        var west = self.ingress
        west["zone"] = "west"
        let token = try await self.zoneToken(["ingress"])
        #expect(await self.world.refusal(west, type: .ingress, token: token) == .badRequest)
        west["availableServices"] = [["mesh": "default", "tags": ["kuma.io/service": "far"], "instances": 3]]
        #expect(self.world.call(.put, "/zone-ingresses/in-1", west).status == 201)
        #expect(self.storedIngress()?.spec["availableServices"] == west["availableServices"])
        #expect(await self.world.refusal(self.ingress, type: .ingress, token: token) == .badRequest)
        let claim = ProxyClaim(type: .ingress, name: "in-1", mesh: "", home: .universal)
        #expect(throws: AccessRefusal(.noResource, "")) { try self.world.admission.authorize(claim, token: token) }
        #expect(self.storedIngress()?.spec["zone"] == "west")
    }

    @Test("Keys rotate: old tokens count until their key is deleted; revoked ones never")
    func rotation() async throws {
        let old = try await self.zoneToken()
        let next = try SigningKey(id: "2")
        let id = ResourceID(kind: "GlobalSecret", name: "zone-token-signing-key-2")
        try self.world.store.write {
            try $0.put(id, spec: ["data": .string(Data(next.pem.utf8).base64EncodedString())], now: self.world.now)
        }
        let new = try await self.zoneToken()
        #expect(await self.world.refusal(self.egress, token: old) == nil)
        #expect(await self.world.refusal(self.egress, token: new) == nil)
        try self.world.store.write { _ = try $0.delete(ResourceID(kind: "GlobalSecret", name: "zone-token-signing-key-1")) }
        #expect(await self.world.refusal(self.egress, token: old) == .tokenUnknownKey)
        #expect(await self.world.refusal(self.egress, token: new) == nil)

        let claims = try self.world.keys.verifier(.zoneTokens).verify(new, as: ZoneToken.self, now: self.world.now)
        let revocations = ResourceID(kind: "GlobalSecret", name: "zone-token-revocations")
        try self.world.store.write {
            try $0.put(revocations, spec: ["data": .string(Data(claims.id.utf8).base64EncodedString())], now: self.world.now)
        }
        #expect(await self.world.refusal(self.egress, token: new) == .tokenRevoked)
    }

    @Test("A dataplane may be only what its token allows, in the resource it brings and in the one that is there")
    func dataplaneTokens() async throws {
        try self.world.addMesh()
        let token = try await self.world.token("dataplane", ["mesh": "default", "tags": ["kuma.io/service": ["web"]], "validFor": "1h"])
        func refusal(_ resource: JSON) async -> AccessRefusal.Reason? {
            await self.world.refusal(resource, type: .dataplane, token: token)
        }
        #expect(await refusal(self.dataplane(service: "web")) == nil)
        #expect(await refusal(self.dataplane(service: "admin")) == .tokenWrongTags)
        // Somebody else's dataplane of that name is not taken over.
        let other: JSON = self.dataplane(service: "admin")
        #expect(self.world.call(.put, "/meshes/default/dataplanes/web-1", other).status == 200)
        #expect(await refusal(self.dataplane(service: "web")) == .tokenWrongTags)
        // Another mesh has other keys.
        #expect(await refusal(self.dataplane(service: "web", mesh: "other")) == .tokenUnknownKey)
    }

    @Test("One name, one proxy: a second one is refused while the first is connected")
    func sameName() async throws {
        let token = try await self.zoneToken()
        #expect(await self.world.refusal(self.egress, token: token, instance: "first") == nil)
        let proxy = ProxyID(.egress, "zoneegress-1")
        let stream = self.world.presence.opened(proxy, instance: "a", version: "1", now: self.world.now)
        #expect(await self.world.refusal(self.egress, token: token, instance: "second") == .nameInUse)
        #expect(await self.world.refusal(self.egress, token: token, instance: "first") == nil)
        self.world.presence.closed(proxy, stream: stream, now: self.world.now)
        #expect(await self.world.refusal(self.egress, token: token, instance: "second") == nil)
        #expect(self.stored?.labels[SelfRegistration.label] == "second")
    }

    @Test("A resource goes with its proxy, unless a person applied it")
    func deregistration() async throws {
        let token = try await self.zoneToken()
        var applied = self.egress
        applied["name"] = "by-hand"
        #expect(self.world.call(.put, "/zoneegresses/by-hand", applied).status == 201)
        #expect(await self.world.refusal(applied, token: token) == nil)
        // A copy of what a proxy brought, as the API shows it.
        var copy = self.egress
        copy["name"] = "copied"
        copy["labels"] = [SelfRegistration.label: "some-instance"]
        #expect(self.world.call(.put, "/zoneegresses/copied", copy).status == 201)
        #expect(await self.world.refusal(self.egress, token: token) == nil)
        // Both have said that they are coming, an hour ago, and did not.
        let world = self.world
        let patience = Presence(patience: .zero)
        let registration = SelfRegistration(
            store: world.store, admission: world.admission, presence: patience,
            logger: .init(label: "quiet") { _ in SwiftLogNoOpLogHandler() })
        var changes = world.store.changes().makeAsyncIterator()
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: registration)], logger: .init(label: "quiet") { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            _ = await changes.next()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        #expect(world.store.list(kind: "ZoneEgress").map(\.id.name) == ["by-hand", "copied"])
    }
}
