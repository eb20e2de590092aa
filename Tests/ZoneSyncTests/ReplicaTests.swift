import JSONModel
import MeshModel
import Testing

@testable import ZoneSync

@Suite("What a zone keeps of the global control plane's")
struct ReplicaTests {
    private func shared(_ kind: String, _ name: String, mesh: String = "", _ spec: JSON = [:]) -> SharedItem {
        SharedItem(SharedItem.ID(kind: kind, mesh: mesh, name: name), spec: spec)
    }

    @Test("Meshes, ingresses and secrets that others name keep their names; the rest has its hash behind it, and the name as a label")
    func names() {
        #expect(Replica.item(self.shared("Mesh", "default")).id.name == "default")
        #expect(Replica.item(self.shared("Secret", "httpbin-ca", mesh: "default")).id.name == "httpbin-ca")
        let service = Replica.item(self.shared("ExternalService", "httpbin", mesh: "default"))
        #expect(service.id.name.hasPrefix("httpbin-") && service.id.name.utf8.count == "httpbin-".utf8.count + 16)
        #expect(service.labels == ["kuma.io/origin": "global", "kuma.io/display-name": "httpbin"])
        #expect(Replica.item(self.shared("ExternalService", "httpbin", mesh: "other")).id.name != service.id.name)
        // Keys that prove tokens stand beside the zone's own.
        let key = Replica.item(self.shared("GlobalSecret", "zone-token-signing-public-key-1"))
        #expect(key.labels["kuma.io/display-name"] == "zone-token-signing-public-key-1" && key.id.name != "zone-token-signing-public-key-1")
    }

    @Test("Kinds that this program does not know are counted, and everything else is kept")
    func unknown() {
        let text = SharedText.text([
            self.shared("Mesh", "default"), self.shared("MeshNovelty", "a", mesh: "default"), self.shared("Zone", "b"),
        ])
        let read = Replica.items(text)
        #expect(read.items == [Replica.item(self.shared("Mesh", "default"))] && read.unknown == 2)
    }

    @Test("A name that would be too long is cut before its hash, and two such names stay apart")
    func longNames() {
        let (one, other) = (String(repeating: "a", count: 252) + "1", String(repeating: "a", count: 252) + "2")
        let names = [one, other].map { GlobalName.of($0, mesh: "default") }
        #expect(names.allSatisfy { $0.utf8.count == 253 } && names[0] != names[1])
    }

    @Test("What is new is written, what is the same is left alone, what is gone is deleted, and what was made here is not touched")
    func plan() {
        let wanted = [Replica.item(self.shared("TrafficRoute", "a", mesh: "default")), Replica.item(self.shared("Mesh", "default"))]
        let first = ReplicaPlan(wanted: wanted, present: [:])
        // The mesh before what belongs to it.
        #expect(first.changes == [.write(wanted[1]), .write(wanted[0])])
        let own = self.shared("TrafficRoute", "own", mesh: "default")
        var present = Dictionary(uniqueKeysWithValues: wanted.map { ($0.id, ReplicaPlan.Present($0, isReplica: true)) })
        present[own.id] = .init(own, isReplica: false)
        #expect(ReplicaPlan(wanted: wanted, present: present).changes.isEmpty)
        #expect(ReplicaPlan(wanted: [wanted[1]], present: present).changes == [.delete(wanted[0].id)])
        var edited = present
        edited[wanted[1].id]?.item.spec = ["edited": true]
        #expect(ReplicaPlan(wanted: wanted, present: edited).changes == [.write(wanted[1])])
    }

    @Test("A mesh made here gives way to the global one of its name, comes back when that is gone, and nothing is asked twice")
    func setAside() {
        let wanted = [Replica.item(self.shared("Mesh", "default", ["routing": [:]]))]
        let own = self.shared("Mesh", "default")
        let conflict = ReplicaPlan(wanted: wanted, present: [own.id: .init(own, isReplica: false)])
        var marked = wanted[0]
        marked.labels["egret.io/set-aside"] = "true"
        #expect(conflict.changes == [.setAside(own.id), .write(marked)] && conflict.sentences.count == 1)
        let settled: [SharedItem.ID: ReplicaPlan.Present] = [own.id: .init(marked, isReplica: true)]
        #expect(ReplicaPlan(wanted: wanted, present: settled, setAside: [own.id]).changes.isEmpty)
        #expect(ReplicaPlan(wanted: [], present: settled, setAside: [own.id]).changes == [.delete(own.id), .restore(own.id)])
    }

    @Test("Something made here under a hashed name keeps it, and is named")
    func blocked() {
        let wanted = Replica.item(self.shared("TrafficRoute", "a", mesh: "default"))
        var own = wanted
        own.labels = [:]
        let plan = ReplicaPlan(wanted: [wanted], present: [own.id: .init(own, isReplica: false)])
        #expect(plan.changes.isEmpty && plan.blocked == [wanted.id])
    }
}
