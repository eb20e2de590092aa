import ConfigSync
import ControlPlane
import CurlTransport
import Foundation
import Identity
import JSONModel
import Routing
import TestKit
import Testing
import X509
import ZoneSync

/// A global control plane with zones, all in this process.
@Suite("Zones under a global control plane")
struct ZonesTests {
    static let mesh: JSON = [
        "type": "Mesh", "name": "default", "mtls": ["enabledBackend": "ca-1", "backends": [["name": "ca-1", "type": "builtin"]]],
        "routing": ["zoneEgress": true],
    ]

    private static func service(_ name: String) -> JSON {
        [
            "type": "ExternalService", "mesh": "default", "name": .string(name), "tags": ["kuma.io/service": .string(name)],
            "networking": ["address": "192.0.2.1:80"],
        ]
    }

    @Test("What is applied at the global control plane is in its zones, stays as it is there, and goes when it is deleted")
    func down() async throws {
        try await RunningGlobal.run { global in
            try await global.zone("zone-1") { one in
                try await global.zone("zone-2") { two in
                    try await global.apply(Self.mesh)
                    try await global.apply(Self.service("httpbin"))
                    for zone in [one, two] {
                        try await eventually("the mesh and its service are in the zone") { () -> Bool? in
                            let services = try await zone.api("GET", "/meshes/default/external-services").json
                            guard services["total"] == 1 else { return nil }
                            return services["items"]?[0]?.at("labels", "kuma.io/display-name") == "httpbin" ? true : nil
                        }
                    }
                    // Nobody changes it in a zone.
                    for (method, body) in [("PUT", Self.mesh), ("DELETE", nil)] as [(String, JSON?)] {
                        let refusal = try await one.api(method, "/meshes/default", body)
                        #expect(refusal.status == 403 && refusal.detail.contains("https://127.0.0.1:\(global.zonePort)"), "\(refusal)")
                    }
                    var own = Self.service("own")
                    own["labels"] = ["kuma.io/origin": "global"]
                    #expect(try await one.api("PUT", "/meshes/default/external-services/own", own).status == 400)
                    own["labels"] = nil
                    #expect(try await one.api("PUT", "/meshes/default/external-services/own", own).status == 201)

                    #expect(try await global.api("DELETE", "/meshes/default/external-services/httpbin").status == 200)
                    try await eventually("it is gone, and the zone's own is not") { () -> Bool? in
                        let services = try await one.api("GET", "/meshes/default/external-services").json
                        return services["total"] == 1 && services["items"]?[0]?["name"] == "own" ? true : nil
                    }
                    try await eventually("the zone says that it has what it was sent") {
                        try await global.api("GET", "/zones/zone-1/_overview").json.at("zoneInsight", "upToDate") == true ? true : nil
                    }
                }
            }
        }
    }

    @Test("Zones sign with one authority: what one has signed, the other trusts")
    func authority() async throws {
        try await RunningGlobal.run { global in
            try await global.apply(Self.mesh)
            try await global.zone("zone-1") { one in
                try await global.zone("zone-2") { two in
                    var leaves: [Certificate] = []
                    var anchors: [Certificate] = []
                    for zone in [one, two] {
                        let token = try await zone.issued("zone", ["scope": ["egress"], "validFor": "1h"])
                        #expect(try await zone.register("egress-1", token: token).status == 204)
                        let key = ProxyKey()
                        leaves.append(
                            try await eventually("the zone signs") { () -> Certificate? in
                                try await zone.certificate(key, "egress-1", token: token)?.first
                            })
                        let config = try await zone.config(.egress, "egress-1", token: token)
                        anchors.append(try Certificate.bundle(pem: try #require(config.trust.first?.ca), what: "the CA")[0])
                    }
                    #expect(anchors[0] == anchors[1])
                    for (leaf, anchor) in zip(leaves, anchors.reversed()) {
                        #expect(anchor.publicKey.isValidSignature(leaf.signature, for: leaf))
                    }
                    // No zone hands the key on, and none shows it.
                    let secret = try await one.api("GET", "/meshes/default/secrets/default.ca-builtin-key-ca-1").json
                    #expect(secret["name"] == "default.ca-builtin-key-ca-1" && secret["data"] == nil)
                }
            }
        }
    }

    @Test("A zone's proxies are shown at the global control plane, its ingress is known in the other zone, and both go with it")
    func up() async throws {
        try await RunningGlobal.run { global in
            try await global.apply(Self.mesh)
            try await global.zone("zone-2") { two in
                try await global.zone("zone-1") { one in
                    try await eventually("the mesh is there") { try await one.api("GET", "/meshes/default").status == 200 ? true : nil }
                    let token = try await one.issued("zone", ["scope": ["egress", "ingress"], "validFor": "1h"])
                    #expect(try await one.register("egress-1", token: token).status == 204)
                    let stream = try await one.openStream(.egress, "egress-1", token: token)
                    let ingress: JSON = [
                        "type": "ZoneIngress", "name": "ingress-1",
                        "networking": ["address": "10.0.0.1", "port": 10001, "advertisedAddress": "192.0.2.7", "advertisedPort": 10001],
                        "availableServices": [["mesh": "default", "tags": ["kuma.io/service": "web"], "instances": 2]],
                    ]
                    #expect(
                        try await one.post(
                            Registration.path,
                            Registration(proxyType: .ingress, name: "ingress-1", mesh: "", instance: "i", resource: ingress), token: token
                        ).status == 204)

                    let name = GlobalName.of("egress-1", mesh: "", zone: "zone-1")
                    try await eventually("the egress is online at the global control plane") { () -> Bool? in
                        let overview = try await global.api("GET", "/zoneegresses/\(name)/_overview").json
                        let streams = overview.at("zoneEgressInsight", "subscriptions")?.array ?? []
                        return streams.contains { $0["disconnectTime"] == nil } && overview.at("zoneEgress", "zone") == "zone-1"
                            ? true : nil
                    }
                    try await eventually("the ingress is in the other zone") { () -> Bool? in
                        let list = try await two.api("GET", "/zone-ingresses").json
                        return list["total"] == 1 && list["items"]?[0]?["zone"] == "zone-1" ? true : nil
                    }
                    #expect(try await two.api("GET", "/zoneegresses").json["total"] == 0)
                    // Its own zone has it once.
                    #expect(try await one.api("GET", "/zone-ingresses").json["items"]?.array?.map { $0["name"] } == ["ingress-1"])
                    let written = try await global.api("DELETE", "/zoneegresses/\(name)")
                    #expect(written.status == 403 && written.detail.contains("zone zone-1"), "\(written)")
                    #expect(try await global.api("DELETE", "/zones/zone-1").status == 409)
                    withExtendedLifetime(stream) {}
                }
                // The zone's control plane has stopped.
                try await eventually("the zone is offline, and so is its egress") { () -> Bool? in
                    let zone = try await global.api("GET", "/zones/zone-1/_overview").json
                    let egresses = try await global.api("GET", "/zoneegresses/_overview").json["items"]?.array ?? []
                    let streams =
                        (zone.at("zoneInsight", "subscriptions")?.array ?? [])
                        + egresses.flatMap { $0.at("zoneEgressInsight", "subscriptions")?.array ?? [] }
                    return egresses.count == 1 && streams.count >= 2 && streams.allSatisfy { $0["disconnectTime"] != nil } ? true : nil
                }
                #expect(try await two.api("GET", "/zone-ingresses").json["total"] == 1)
                #expect(try await global.api("DELETE", "/zones/zone-1").status == 200)
                try await eventually("its ingress is known nowhere") {
                    try await two.api("GET", "/zone-ingresses").json["total"] == 0 ? true : nil
                }
                #expect(try await global.api("GET", "/zoneegresses").json["total"] == 0)
                // Nothing brings it back: not another look at what zones told, either.
                try await global.apply(["type": "Mesh", "name": "another"])
                try await eventually("the zone has the new mesh") { try await two.api("GET", "/meshes/another").status == 200 ? true : nil }
                #expect(try await global.api("GET", "/zoneegresses").json["total"] == 0)
            }
        }
    }

    @Test("A mesh that the zone made gives way to the global one of its name, and comes back with what it was")
    func setAside() async throws {
        let folder = NSTemporaryDirectory() + "egret-aside-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await RunningUniversal.run({ $0.storeFile = folder + "/zone.db" }) { (alone: RunningUniversal) async throws in
            let mesh: JSON = ["type": "Mesh", "name": "default", "labels": ["team": "own"]]
            #expect(try await alone.api("PUT", "/meshes/default", mesh).status == 201)
        }
        try await RunningGlobal.run { global in
            try await global.apply(Self.mesh)
            try await global.zone("zone-1", { $0.storeFile = folder + "/zone.db" }) { zone in
                try await eventually("the global one counts, and says what it took the place of") { () -> Bool? in
                    let mesh = try await zone.api("GET", "/meshes/default").json
                    let sole = mesh.at("status", "conditions")?.array?.first { $0["type"] == "Sole" }
                    return mesh.at("labels", "kuma.io/origin") == "global" && sole?["reason"] == "NameTaken" ? true : nil
                }
                try await eventually("the global control plane shows it") {
                    try await global.api("GET", "/zones/zone-1/_overview").json.at("zoneInsight", "problems")?.array?.count == 1
                        ? true : nil
                }
                #expect(try await global.api("DELETE", "/meshes/default").status == 200)
                try await eventually("the zone's own is back") { () -> Bool? in
                    let mesh = try await zone.api("GET", "/meshes/default").json
                    return mesh.at("labels", "team") == "own" && mesh["mtls"] == nil ? true : nil
                }
            }
        }
    }

    @Test("A token issued at the global control plane opens its zone, and no other")
    func tokens() async throws {
        try await RunningGlobal.run { global in
            try await global.apply(Self.mesh)
            try await global.zone("zone-1") { one in
                try await eventually("the mesh is there") { try await one.api("GET", "/meshes/default").status == 200 ? true : nil }
                for (zone, reason) in [("zone-1", nil), ("zone-2", "token_wrong_zone")] as [(String, String?)] {
                    let token = try await global.issued(["zone": .string(zone), "scope": ["egress"], "validFor": "1h"])
                    try await eventually("the key is there") { () -> Bool? in
                        let answer = try await one.register("egress-1", token: token)
                        return answer.reason == "token_bad_signature" ? nil : answer.reason == reason ? true : nil
                    }
                }
            }
        }
    }
}
