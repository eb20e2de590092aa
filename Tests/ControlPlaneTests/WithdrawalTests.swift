import ConfigSync
import CurlTransport
import Foundation
import JSONModel
import Routing
import TestKit
import Testing

/// What others are told when an egress comes, stops and goes.
@Suite("Egresses that come and go")
struct WithdrawalTests {
    private static let mesh: JSON = [
        "type": "Mesh", "name": "default", "routing": ["zoneEgress": true],
        "mtls": ["enabledBackend": "ca-1", "backends": [["name": "ca-1", "type": "builtin"]]],
    ]
    private static let service: JSON = [
        "type": "ExternalService", "name": "api", "mesh": "default", "tags": ["kuma.io/service": "api"],
        "networking": ["address": "192.0.2.1:443"],
    ]
    private static let web: JSON = [
        "type": "Dataplane", "name": "web-1", "mesh": "default",
        "networking": [
            "address": "127.0.0.8", "inbound": [["port": 80, "tags": ["kuma.io/service": "web"]]],
            "outbound": [["port": 10080, "tags": ["kuma.io/service": "api"]]],
        ],
    ]

    @Test("Clients leave an egress that says that it stops at once, while its stream is still open")
    func withdrawal() async throws {
        try await RunningUniversal.run { running in
            for (path, body) in [
                ("/meshes/default", Self.mesh), ("/meshes/default/external-services/api", Self.service),
                ("/meshes/default/dataplanes/web-1", Self.web),
            ] {
                let answer = try await running.api("PUT", path, body)
                #expect(answer.status == 201, "\(answer.json.text)")
            }
            let token = try await running.issued("zone", ["scope": ["egress"], "validFor": "1h"])
            let web = try await running.issued("dataplane", ["name": "web-1", "validFor": "1h"])
            var streams: [HTTPStream] = []
            for (name, port) in [("one", 10001), ("two", 10002)] {
                #expect(try await running.register(name, token: token, port: port).status == 204)
                streams.append(try await running.openStream(.egress, name, token: token))
                let said = Acknowledgement(proxyType: .egress, proxy: name, mesh: "", hash: "x", errors: [])
                #expect(try await running.post(Acknowledgement.path, said, token: token).status == 204)
            }
            func endpoints() async throws -> [Int] {
                let config = try await running.config(.dataplane, "web-1", mesh: "default", token: web)
                return config.clusters.filter { $0.name == "default:api" }.flatMap(\.endpoints).map { Int($0.port) }.sorted()
            }
            try await eventually("both serve") { try await endpoints() == [10001, 10002] ? true : nil }
            // What a second process of the name, which was refused, says when it stops.
            let stranger = Withdrawal(proxyType: .egress, name: "one", mesh: "", instance: "stranger")
            #expect(try await running.post(Withdrawal.path, stranger, token: token).status == 204)
            #expect(try await endpoints() == [10001, 10002])
            let goodbye = Withdrawal(proxyType: .egress, name: "one", mesh: "", instance: "one")
            #expect(try await running.post(Withdrawal.path, goodbye, token: web).status == 401)
            let start = ContinuousClock.now
            #expect(try await running.post(Withdrawal.path, goodbye, token: token).status == 204)
            try await eventually("one is left", every: .milliseconds(10)) { try await endpoints() == [10002] ? true : nil }
            #expect(ContinuousClock.now - start < .seconds(5), "without waiting for the stream to end")
            // It is still there, and not yet forgotten.
            #expect(try await running.api("GET", "/zoneegresses/one").status == 200)
            withExtendedLifetime(streams) {}
        }
    }
}
