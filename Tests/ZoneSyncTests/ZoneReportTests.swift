import JSONModel
import MeshModel
import Testing

@testable import ZoneSync

@Suite("What zones tell")
struct ZoneReportTests {
    private let ingress: JSON = ["zone": "other", "networking": ["address": "10.0.0.1", "port": 10001]]

    private func told(_ kind: String, _ name: String, mesh: String = "", _ spec: JSON, labels: [String: String] = [:]) -> [SharedItem] {
        ZoneReport.items(
            SharedItem(.init(kind: kind, mesh: mesh, name: name), labels: labels, spec: spec),
            .init(insight: ["subscriptions": [["id": "1"]]], status: ["conditions": []]))
    }

    @Test("The zone of what comes is its sender's, whatever it says, and the name has a hash of it")
    func pinned() throws {
        let labels = ["kuma.io/zone": "other", "kuma.io/origin": "global", "egret.io/registered-by": "i", "team": "x"]
        let report = ZoneReport(self.told("ZoneIngress", "ingress-1", self.ingress, labels: labels), from: "east", meshes: [])
        let kept = try #require(report.resources.first)
        #expect(kept.spec["zone"] == "east")
        #expect(
            kept.labels == [
                "kuma.io/zone": "east", "kuma.io/origin": "zone", "kuma.io/display-name": "ingress-1", "team": "x",
            ])
        #expect(kept.id.name == GlobalName.of("ingress-1", mesh: "", zone: "east"))
        #expect(report.insights[kept.id]?.insight.at("subscriptions")?.array?.count == 1)
        // Another zone's of the same name is another resource.
        let other = ZoneReport(self.told("ZoneIngress", "ingress-1", self.ingress), from: "west", meshes: [])
        #expect(other.resources.first?.id.name != kept.id.name)
    }

    @Test("What zones have no say in, what is of no mesh here and what is not valid is dropped with a reason; the rest is kept")
    func dropped() {
        let web: JSON = ["networking": ["address": "10.0.0.1", "inbound": [["port": 80, "tags": ["kuma.io/service": "web"]]]]]
        let items =
            self.told("Mesh", "default", [:]) + self.told("Secret", "s", mesh: "default", ["data": "eA=="])
            + self.told("Dataplane", "web-1", mesh: "default", web) + self.told("Dataplane", "web-1", mesh: "own", web)
            + self.told("ZoneEgress", "e", ["networking": ["port": 0]])
        let report = ZoneReport(items, unreadable: 2, from: "east", meshes: ["default"])
        #expect(report.resources.map(\.id.kind) == ["Dataplane"] && report.resources.map(\.id.mesh) == ["default"])
        #expect(report.insights.count == 1)
        #expect(report.dropped.count == 5, "\(report.dropped)")
    }
}
