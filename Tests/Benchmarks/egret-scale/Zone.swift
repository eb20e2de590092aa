import Foundation
import JSONModel
import Store

/// The resources: a mesh, a permission, egresses that run somewhere, external services, each of which is one route.
struct Zone: Sendable {
    let proxies: Int
    let routes: Int

    func egress(_ number: Int) -> String { "egress-\(number)" }

    func externalServicePath(_ number: Int) -> String { "/meshes/default/external-services/service-\(number)" }

    func externalService(_ number: Int, port: Int = 443) -> JSON {
        var body = self.externalServiceSpec(number, port: port)
        body["type"] = "ExternalService"
        body["mesh"] = "default"
        body["name"] = .string("service-\(number)")
        return body
    }

    private func externalServiceSpec(_ number: Int, port: Int) -> JSON {
        [
            "tags": ["kuma.io/service": .string("service-\(number)"), "kuma.io/protocol": "tcp"],
            "networking": [
                "address": .string("192.0.2.\(number % 250 + 1):\(port)"),
                "tls": ["enabled": true, "serverName": .string("service-\(number).example.com")],
            ],
        ]
    }

    /// Writes everything into a new store.
    func fill(_ file: String) throws {
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: file + suffix) }
        let store = try ResourceStore(file: file)
        let now = Date()
        try store.write { transaction in
            _ = try transaction.put(
                ResourceID(kind: "Mesh", name: "default"),
                spec: [
                    "routing": ["zoneEgress": true],
                    "mtls": ["enabledBackend": "ca-1", "backends": [["name": "ca-1", "type": "builtin"]]],
                ], now: now)
            _ = try transaction.put(
                ResourceID(kind: "MeshTrafficPermission", mesh: "default", name: "all"),
                spec: [
                    "targetRef": ["kind": "Mesh"],
                    "from": [["targetRef": ["kind": "Mesh"], "default": ["action": "Allow"]]],
                ], now: now)
            for number in 0..<self.routes {
                _ = try transaction.put(
                    ResourceID(kind: "ExternalService", mesh: "default", name: "service-\(number)"),
                    spec: self.externalServiceSpec(number, port: 443), now: now)
            }
            for number in 0..<self.proxies {
                _ = try transaction.put(
                    ResourceID(kind: "ZoneEgress", name: self.egress(number)),
                    spec: [
                        "zone": "default",
                        "networking": ["address": .string("10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"), "port": 10002],
                    ], now: now)
            }
        }
    }
}
