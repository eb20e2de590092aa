import ConfigSync
import Foundation
import JSONModel
import MeshModel
import Testing
import Tokens

@testable import ZoneSync

@Suite("What goes down to zones")
struct GlobalShareTests {
    private func item(_ kind: String, _ name: String, mesh: String = "", labels: [String: String] = [:], _ spec: JSON = [:]) -> SharedItem {
        SharedItem(SharedItem.ID(kind: kind, mesh: mesh, name: name), labels: labels, spec: spec)
    }

    private func data(_ text: String) -> JSON { ["data": .string(Data(text.utf8).base64EncodedString())] }

    private func items(_ share: GlobalShare, _ zone: String) -> [SharedItem] {
        let text = share.text(for: zone)
        let items = SharedText.items(text).items
        // One order, however it was put together.
        #expect(SharedText.text(items) == text)
        return items
    }

    private func ids(_ items: [SharedItem]) -> Set<String> { Set(items.map(\.id.description)) }

    @Test("Meshes and what belongs to them go down; proxies, zones and what belongs to no mesh do not")
    func kinds() {
        let share = GlobalShare([
            self.item("Mesh", "default"), self.item("ExternalService", "httpbin", mesh: "default"),
            self.item("MeshTrafficPermission", "all", mesh: "default"), self.item("MeshHTTPRoute", "canary", mesh: "default"),
            self.item("Secret", "default.ca-builtin-cert-ca-1", mesh: "default"),
            self.item("Secret", "old.ca-builtin-key-ca-1", mesh: "gone"), self.item("Zone", "east"),
            self.item("ZoneEgress", "egress-1", labels: ["kuma.io/zone": "east"]), self.item("Dataplane", "web-1", mesh: "default"),
            self.item("GlobalSecret", "admin-user-token", self.data("secret")),
        ])
        #expect(
            self.ids(self.items(share, "west")) == [
                "Mesh default", "ExternalService httpbin of mesh default", "MeshTrafficPermission all of mesh default",
                "MeshHTTPRoute canary of mesh default", "Secret default.ca-builtin-cert-ca-1 of mesh default",
            ])
    }

    @Test("A zone gets the ingresses of the others, with what they offer in meshes that all share")
    func ingresses() throws {
        let offer: JSON = [
            "networking": ["address": "10.0.0.1", "port": 10001],
            "availableServices": [
                ["mesh": "default", "tags": ["kuma.io/service": "web"]], ["mesh": "own", "tags": ["kuma.io/service": "x"]],
                ["tags": ["kuma.io/service": "by-default"]],
            ],
        ]
        let share = GlobalShare([
            self.item("Mesh", "default"),
            self.item("ZoneIngress", "i-1", labels: ["kuma.io/zone": "east", "kuma.io/origin": "zone"], offer),
        ])
        #expect(self.ids(self.items(share, "east")) == ["Mesh default"])
        let received = try #require(self.items(share, "west").first { $0.id.kind == "ZoneIngress" })
        let services = received.spec["availableServices"]?.array?.map { $0.at("tags", "kuma.io/service")?.string }
        #expect(services == ["web", "by-default"])
        #expect(received.labels == ["kuma.io/zone": "east"])
    }

    @Test("Of a key that signs tokens only the public half leaves, under the public half's name")
    func keys() throws {
        let key = try SigningKey(id: "1")
        let share = GlobalShare([
            self.item("Mesh", "default"),
            self.item("Secret", "dataplane-token-signing-key-default-1", mesh: "default", self.data(key.pem)),
            self.item("Secret", "dataplane-token-signing-key-default-2", mesh: "default", self.data("no key")),
            self.item("Secret", "dataplane-token-revocations-default", mesh: "default", self.data("id-1")),
            self.item("GlobalSecret", "zone-token-signing-key-1", self.data(key.pem)),
            self.item("GlobalSecret", "user-token-signing-key-1", self.data(key.pem)),
            self.item("GlobalSecret", "zone-token-revocations", self.data("id-2")),
        ])
        let items = self.items(share, "east")
        #expect(
            self.ids(items) == [
                "Mesh default", "Secret dataplane-token-signing-public-key-default-1 of mesh default",
                "Secret dataplane-token-revocations-default of mesh default", "GlobalSecret zone-token-signing-public-key-1",
                "GlobalSecret zone-token-revocations",
            ])
        for item in items {
            let text = item.spec["data"]?.string.flatMap { Data(base64Encoded: $0) }.map { String(decoding: $0, as: UTF8.self) }
            #expect(text?.contains("PRIVATE") != true)
        }
    }

    @Test("Items become lines and lines items; a line of another form costs itself alone")
    func text() {
        let items = [
            self.item("Mesh", "b"), self.item("Mesh", "a", labels: ["team": "x"], ["routing": ["zoneEgress": true]]),
            self.item("ExternalService", "é\n\"", mesh: "a"),
        ]
        let text = SharedText.text(items)
        #expect(text == SharedText.text(items.reversed()))
        let read = SharedText.items(text)
        #expect(Set(read.items) == Set(items) && read.unreadable == 0)
        var builder = ConfigTextBuilder()
        for line in ["{\"Mesh\":{\"labels\":{},\"mesh\":\"\",\"name\":\"a\",\"spec\":{}}}", "{\"Mesh\":1}", "nonsense", "{}"] {
            builder.append(Array(line.utf8)[...])
        }
        let partly = SharedText.items(builder.finish())
        #expect(partly.items.count == 1 && partly.unreadable == 3)
    }
}
