import JSONModel
import KubeAPI
import Testing

@testable import DevNode

struct OwnershipGraphTests {
    private func object(
        _ uid: String, owners: [String] = [], going: Bool = false, finalizers: [String] = [], blocks: Bool = false
    ) -> OwnedObject {
        var object = KubeObject(.configMaps, name: uid, namespace: "default")
        object.metadata.uid = uid
        object.metadata.finalizers = finalizers
        object.metadata.ownerReferences = owners.map {
            OwnerReference(apiVersion: "v1", kind: "ConfigMap", name: $0, uid: $0, blocksOwnerDeletion: blocks)
        }
        if going { object["metadata"]?["deletionTimestamp"] = "2026-01-01T00:00:00Z" }
        return OwnedObject(.configMaps, object)
    }

    @Test("an object whose owner nobody has seen is verified, one with an owner or without any is left alone")
    func missing() {
        let (owner, child, lost) = (self.object("a"), self.object("b", owners: ["a"]), self.object("c", owners: ["x"]))
        #expect(OwnershipGraph.actions([owner, child, lost]) == [.verify(lost, missing: lost.owners)])
        #expect(OwnershipGraph.actions([self.object("c", owners: ["x"], going: true)]) == [])
    }

    @Test("an owner of the same name but another uid is not the owner")
    func otherUID() {
        var child = self.object("c", owners: ["a"])
        child.owners[0].uid = "earlier-a"
        #expect(OwnershipGraph.actions([self.object("a"), child]) == [.verify(child, missing: child.owners)])
    }

    @Test("an object goes when its last owner is gone; before that it forgets those that are")
    func verdicts() {
        let child = self.object("c", owners: ["a", "b"])
        #expect(OwnershipGraph.verdict(child, absent: []) == .keep)
        #expect(OwnershipGraph.verdict(child, absent: ["a"]) == .forget([child.owners[0]]))
        #expect(OwnershipGraph.verdict(child, absent: ["a", "b"]) == .delete)
    }

    @Test("an orphaning deletion releases the children first, then the owner")
    func orphan() {
        let (owner, child) = (self.object("a", going: true, finalizers: ["orphan"]), self.object("b", owners: ["a"]))
        #expect(OwnershipGraph.actions([owner, child]) == [.release(child, from: "a")])
        #expect(OwnershipGraph.actions([owner]) == [.removeFinalizer(owner, "orphan")])
    }

    @Test("a foreground deletion waits for the children that block it")
    func foreground() {
        let owner = self.object("a", going: true, finalizers: ["foregroundDeletion"])
        let child = self.object("b", owners: ["a"], blocks: true)
        #expect(OwnershipGraph.actions([owner, child]) == [.delete(child)])
        #expect(OwnershipGraph.actions([owner, self.object("b", owners: ["a"], going: true, blocks: true)]) == [])
        #expect(OwnershipGraph.actions([owner]) == [.removeFinalizer(owner, "foregroundDeletion")])
    }

    @Test("discovery lists what can be listed, watched and deleted")
    func discovery() {
        let all: JSON = ["list", "watch", "delete", "get"]
        let types = Discovery.types([
            "groupVersion": "apps/v1",
            "resources": [
                ["name": "deployments", "kind": "Deployment", "namespaced": true, "verbs": all],
                ["name": "deployments/scale", "kind": "Scale", "namespaced": true, "verbs": all],
                ["name": "reviews", "kind": "Review", "namespaced": false, "verbs": ["create"]],
            ],
        ])
        #expect(types == [.deployments])
        #expect(
            Discovery.types(["groupVersion": "v1", "resources": [["name": "events", "kind": "Event", "namespaced": true, "verbs": all]]])
                .isEmpty)
    }
}
