import ConfigSync
import CurlTransport
import Foundation
import JSONModel
import TestKit
import Testing
import Tokens
import ZoneSync

@testable import ControlPlane

/// What zones meet at the port for zones, request by request.
@Suite("The port for zones")
struct ZoneStreamTests {
    @Test("A stream that was cut goes on with a difference, one that missed nothing with nothing, and what changed back is not sent")
    func resumes() async throws {
        try await RunningGlobal.run { global in
            let token = try await global.token("zone-1")
            for number in 0..<50 { try await global.apply(["type": "Mesh", "name": .string("mesh-\(number)")]) }
            let whole = try await Self.next(global, token, current: nil)
            #expect(SharedText.items(whole.text).items.count >= 50 && whole.edits == nil)
            let bytes = global.metric("egret_global_bytes_total{zone=\"zone-1\",direction=\"down\"}")

            try await global.apply(["type": "Mesh", "name": "mesh-50"])
            let next = try await Self.next(global, token, current: whole.text)
            #expect(next.edits != nil)
            let more = global.metric("egret_global_bytes_total{zone=\"zone-1\",direction=\"down\"}") - bytes
            #expect(more > 0 && more < bytes / 10, "\(bytes) bytes whole, \(more) more")

            // Nothing is new: the first thing to come is a ping.
            let stream = try await global.openStream(global.exchange("zone-1").streamTarget(have: next.text.hash), token: token)
            var chunks = stream.body.makeAsyncIterator()
            let first = try await chunks.next()
            #expect(first.map { String(decoding: $0, as: UTF8.self) } == "{\"ping\":{}}\n")
            #expect(global.metric("egret_global_bytes_total{zone=\"zone-1\",direction=\"down\"}") == bytes + more)
        }
    }

    /// The next text of a stream that is cut then.
    private static func next(_ global: RunningGlobal, _ token: String, current: ConfigText?) async throws -> ConfigUpdate {
        let stream = try await global.openStream(global.exchange("zone-1").streamTarget(have: current?.hash), token: token)
        var messages = MessageReader(stream, current: current)
        var update = try await messages.config()
        // What is being published still.
        while current == nil, SharedText.items(update.text).items.filter({ $0.id.kind == "Mesh" }).count < 50 {
            update = try await messages.config()
        }
        return ConfigUpdate(text: update.text, edits: current == nil ? nil : update.edits)
    }

    @Test("A report is taken whole or as a difference from what is known; another base is a conflict, and nonsense is named")
    func reports() async throws {
        try await RunningGlobal.run { global in
            let token = try await global.token("zone-1")
            func text(_ count: Int) -> ConfigText {
                SharedText.text(
                    (0..<count).flatMap { number in
                        ZoneReport.items(
                            SharedItem(
                                .init(kind: "ZoneEgress", name: "egress-\(number)"),
                                spec: ["zone": "elsewhere", "networking": ["address": "10.0.0.1", "port": 10002]]),
                            .init(insight: ["subscriptions": []], status: .null))
                    })
            }
            var cache = DifferenceCache()
            let change = OutgoingConfig(text(6), for: text(5), cache: &cache)
            #expect(change.form == .difference)
            #expect(try await global.report("zone-1", change, base: text(5).hash, token: token).reason == "unknown_base")
            #expect(try await global.report("zone-1", OutgoingConfig(whole: text(5)), token: token).status == 204)
            #expect(try await global.report("zone-1", change, base: text(5).hash, token: token).status == 204)
            let egresses = try await global.api("GET", "/zoneegresses").json
            #expect(egresses["total"] == 6)
            #expect((egresses["items"]?.array ?? []).allSatisfy { $0["zone"] == "zone-1" })
            #expect(try await global.report("zone-1", change, base: text(6).hash, token: token).reason == "bad_request")
        }
    }

    @Test("Tokens of another scope, of another or no zone, expired or revoked ones are refused, each with its reason")
    func tokens() async throws {
        try await RunningGlobal.run { global in
            let forge = try Forge(serial: 7)
            try await global.apply([
                "type": "GlobalSecret", "name": "zone-token-signing-key-7", "data": .string(Data(forge.key.pem.utf8).base64EncodedString()),
            ])
            let past = Date(timeIntervalSinceNow: -7200)
            let cases: [(String?, String)] = [
                (nil, "no_token"), ("no token", "token_malformed"),
                (try forge.zone(zone: "zone-1", scopes: [.egress, .ingress]), "token_wrong_scope"),
                (try forge.zone(zone: "zone-2", scopes: [.cp]), "token_wrong_zone"),
                (try forge.zone(zone: "", scopes: [.cp]), "token_wrong_zone"),
                (try forge.zone(zone: "zone-1", scopes: [.cp], now: past), "token_expired"),
                (try Forge(serial: 7).zone(zone: "zone-1", scopes: [.cp]), "token_bad_signature"),
                (try Forge(serial: 8).zone(zone: "zone-1", scopes: [.cp]), "token_unknown_key"),
            ]
            for (token, reason) in cases {
                #expect(try await global.stream("zone-1", token: token).reason == reason)
            }
            // Nothing of it made a zone.
            #expect(try await global.api("GET", "/zones").json["total"] == 0)

            let good = try forge.zone(zone: "zone-1", scopes: [.cp], id: "to-be-revoked")
            let stream = try await global.openStream(global.exchange("zone-1").streamTarget(have: nil), token: good)
            #expect(stream.status == 200)
            try await global.apply([
                "type": "GlobalSecret", "name": "zone-token-revocations",
                "data": .string(Data("to-be-revoked".utf8).base64EncodedString()),
            ])
            #expect(try await global.stream("zone-1", token: good).reason == "token_revoked")
            #expect(try await global.report("zone-1", OutgoingConfig(whole: .empty), token: good).reason == "token_revoked")
            // The open stream ends, too.
            for try await _ in stream.body {}
        }
    }

    @Test("A replica of a zone's control plane is welcome, another zone under the same name is told so, and proxies are sent home")
    func names() async throws {
        try await RunningGlobal.run { global in
            let token = try await global.token("zone-1")
            let first = try await global.openStream(global.exchange("zone-1").streamTarget(have: nil), token: token)
            #expect(first.status == 200)
            #expect(try await global.stream("zone-1", token: token).status == 200)
            let other = try await global.stream("zone-1", identity: "two", token: token)
            #expect(other.reason == "zone_name_in_use" && other.detail.contains("egretctl delete zone zone-1"), "\(other)")
            #expect(try await global.report("zone-1", identity: "two", OutgoingConfig(whole: .empty), token: token).status == 403)
            for toProxies in [false, true] {
                let target = StreamRequest(proxyType: .egress, name: "e", mesh: "", instance: "x").target
                let proxy = try await global.answer(global.openStream(target, token: token, toProxies: toProxies))
                #expect(proxy.reason == "global_control_plane", "\(proxy)")
            }
            withExtendedLifetime(first) {}
        }
    }

    @Test("Nobody writes zones or their proxies here, and tokens of the global control plane name their zone")
    func writes() async throws {
        try await RunningGlobal.run { global in
            let zone = try await global.api("PUT", "/zones/zone-1", ["type": "Zone", "name": "zone-1"])
            #expect(zone.status == 403 && zone.detail.contains("--zone zone-1"), "\(zone)")
            let egress: JSON = ["type": "ZoneEgress", "name": "e", "networking": ["address": "10.0.0.1", "port": 10002]]
            #expect(try await global.api("PUT", "/zoneegresses/e", egress).status == 403)
            let noZone = try await global.api("POST", "/tokens/zone", ["scope": ["cp"], "validFor": "1h"])
            #expect(noZone.json.at("invalid_parameters")?[0]?["field"] == "zone", "\(noZone)")
        }
        try await RunningUniversal.run { zone in
            let scope = try await zone.api("POST", "/tokens/zone", ["scope": ["cp"], "validFor": "1h"])
            #expect(scope.json.at("invalid_parameters")?[0]?["field"] == "scope", "\(scope)")
        }
    }
}
