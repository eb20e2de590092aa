import CLI
import Foundation
import JSONModel
import Testing

@Suite("Steps of a rotation")
struct RotationStepTests {
    private let since = Date(timeIntervalSince1970: 1_800_000_000)

    private func egress(sent: Int = 2, acknowledged: Int = 2, renewed: Double? = nil, isOpen: Bool = true) -> JSON {
        var stream: JSON = ["status": ["total": ["responsesSent": JSON(sent), "responsesAcknowledged": JSON(acknowledged)]]]
        if !isOpen { stream["disconnectTime"] = "2027-01-15T08:00:00Z" }
        var insight: JSON = ["subscriptions": [stream]]
        if let renewed {
            insight["certificates"] = [
                ["mesh": "default", "lastCertificateRegeneration": .string((self.since + renewed).formatted(.iso8601))]
            ]
        }
        return ["type": "ZoneEgressOverview", "name": "one", "zoneEgressInsight": insight]
    }

    @Test("Three steps lead from one authority to the next, and the next rotation goes on from there")
    func order() {
        var generations = [1]
        var seen: [[Int]] = []
        for _ in 0..<6 {
            generations = RotationStep(from: generations).generations
            seen.append(generations)
        }
        #expect(seen == [[1, 2], [2, 1], [2], [2, 3], [3, 2], [3]])
    }

    @Test("The new authority signs when every connected proxy trusts it, and the old one goes when none has its certificate any more")
    func obstacles() {
        func obstacles(_ from: [Int], _ overview: JSON) -> [String] {
            RotationStep(from: from).obstacles([overview], mesh: "default", since: self.since)
        }
        #expect(obstacles([1], self.egress(sent: 3)) == [])
        #expect(obstacles([1, 2], self.egress(sent: 3)) == ["ZoneEgress one has not confirmed its configuration yet"])
        #expect(obstacles([1, 2], self.egress()) == [])
        #expect(obstacles([1, 2], self.egress(sent: 3, isOpen: false)) == [])
        #expect(obstacles([2, 1], self.egress(renewed: -5)) == ["ZoneEgress one has a certificate of the old authority"])
        #expect(obstacles([2, 1], self.egress(renewed: 5)) == [])
        #expect(
            obstacles([2, 1], self.egress())
                == ["ZoneEgress one: this control plane has not signed a certificate for it since it started"])
    }
}
