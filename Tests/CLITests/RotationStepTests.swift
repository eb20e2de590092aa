import CLI
import JSONModel
import Testing

@Suite("Steps of a rotation")
struct RotationStepTests {
    /// Of an egress that trusts some authorities and has a certificate of one.
    private func egress(trusts: [Int]? = nil, issuer: Int? = nil, isOpen: Bool = true, acknowledged: Int = 0) -> JSON {
        var stream: JSON = ["status": ["total": ["responsesSent": 1, "responsesAcknowledged": JSON(acknowledged)]]]
        if !isOpen { stream["disconnectTime"] = "2027-01-15T08:00:00Z" }
        var insight: JSON = ["subscriptions": [stream]]
        if let trusts {
            var certificate: JSON = ["mesh": "default", "trusted": .array(trusts.map { JSON($0) })]
            certificate["issuer"] = issuer.map { JSON($0) }
            insight["certificates"] = [certificate, ["mesh": "other", "trusted": [7], "issuer": 7]]
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

    @Test("The new authority signs when every proxy trusts it, and the old one goes when none has its certificate any more")
    func obstacles() {
        func obstacles(_ from: [Int], _ overview: JSON) -> [String] { RotationStep(from: from).obstacles([overview], mesh: "default") }
        #expect(obstacles([1], self.egress()) == [])
        #expect(obstacles([1, 2], self.egress()) == ["ZoneEgress one has not confirmed its configuration yet"])
        #expect(obstacles([1, 2], self.egress(acknowledged: 1)) == [], "it has nothing to do with the mesh")
        #expect(obstacles([1, 2], self.egress(trusts: [1], issuer: 1)) == ["ZoneEgress one does not trust authority 2 yet"])
        #expect(obstacles([1, 2], self.egress(trusts: [1, 2], issuer: 1)) == [])
        #expect(obstacles([2, 1], self.egress(trusts: [2, 1], issuer: 1)) == ["ZoneEgress one has no certificate of authority 2 yet"])
        #expect(obstacles([2, 1], self.egress(trusts: [2, 1])) == ["ZoneEgress one has no certificate of authority 2 yet"])
        #expect(obstacles([2, 1], self.egress(trusts: [2, 1], issuer: 2)) == [])
        // Its stream is another replica's, which has told.
        #expect(
            obstacles([1, 2], self.egress(trusts: [1], issuer: 1, isOpen: false)) == ["ZoneEgress one does not trust authority 2 yet"])
        // Nobody has one.
        #expect(obstacles([2, 1], self.egress(isOpen: false)) == [])
    }
}
