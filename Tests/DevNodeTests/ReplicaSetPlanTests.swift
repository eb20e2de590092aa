import JSONModel
import KubeAPI
import Testing

@testable import DevNode

struct ReplicaSetPlanTests {
    @Test("missing pods are made")
    func creates() {
        let set = replicaSet(3)
        let plan = ReplicaSetPlan(
            set, pods: [pod("a", owner: set), pod("b", owner: set, phase: "Failed")], isCacheBehind: false, now: start)
        #expect(plan.create == 2)
        #expect(plan.delete.isEmpty)
    }

    @Test("surplus pods go, those that serve least first")
    func deletes() {
        let set = replicaSet(1)
        let pods = [
            pod("old", created: 0), pod("young", created: 9), pod("unready", ready: false), pod("pending", phase: "Pending", ready: false),
            pod("unassigned", phase: "Pending", ready: false, node: nil), pod("going", going: true),
        ]
        let plan = ReplicaSetPlan(set, pods: pods, isCacheBehind: false, now: start)
        #expect(plan.delete.map(\.name) == ["unassigned", "pending", "unready", "young"])
    }

    @Test("while the cache lags behind our own writes nothing is made or removed")
    func waits() {
        let plan = ReplicaSetPlan(replicaSet(3), pods: [], isCacheBehind: true, now: start)
        #expect(plan.create == 0)
    }

    @Test("the status counts, leaves zeros out, and is written only when it differs")
    func status() {
        var set = replicaSet(2)
        let pods = [pod("a", labels: ["app": "web"]), pod("b", ready: false, labels: ["app": "web"])]
        let status: JSON = [
            "replicas": 2, "fullyLabeledReplicas": 2, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 3,
        ]
        #expect(ReplicaSetPlan(set, pods: pods, isCacheBehind: false, now: start).status == status)
        set.status = status
        #expect(ReplicaSetPlan(set, pods: pods, isCacheBehind: false, now: start).status == nil)
    }

    @Test("a pod counts as available once it has been ready long enough")
    func minReady() {
        let plan = ReplicaSetPlan(replicaSet(1, minReady: 10), pods: [pod("a")], isCacheBehind: false, now: at(4))
        #expect(plan.status?["availableReplicas"] == nil)
        #expect(plan.nextLook == at(10))
        #expect(
            ReplicaSetPlan(replicaSet(1, minReady: 10), pods: [pod("a")], isCacheBehind: false, now: at(10)).status?["availableReplicas"]
                == 1)
    }

    @Test("a pod is what the template says, with an owner and a name the server finishes")
    func template() {
        let made = ReplicaSetPlan.pod(of: replicaSet(1))
        #expect(made["metadata"]?["generateName"] == "web-1-")
        #expect(made.metadata.labels == ["app": "web"])
        #expect(made.metadata.controller?.uid == "rs")
        #expect(made.spec["containers"]?[0]?["image"] == "web")
        #expect(made["metadata"]?["creationTimestamp"] == nil)
    }

    @Test("expectations hold until the cache shows what was written, or patience ends")
    func expectations() {
        var expected = Expectations()
        expected.willSee("a", now: at(0))
        expected.willMiss("b", now: at(0))
        expected.observe(present: ["b"], going: [], now: at(1))
        #expect(expected.isBehind)
        expected.observe(present: ["a", "b"], going: ["b"], now: at(2))
        #expect(!expected.isBehind)
        expected.willSee("c", now: at(2))
        expected.observe(present: [], going: [], now: at(20))
        #expect(!expected.isBehind)
    }
}
