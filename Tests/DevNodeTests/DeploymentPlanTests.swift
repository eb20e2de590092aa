import FoundationEssentials
import JSONModel
import KubeAPI
import Testing

@testable import DevNode

struct DeploymentPlanTests {
    private func deployment(_ replicas: Int, image: String = "web:1", strategy: JSON? = nil) -> KubeObject {
        var deployment = KubeObject(.deployments, name: "web", namespace: "default")
        deployment.metadata.uid = "deploy"
        deployment.metadata.generation = 1
        deployment.spec = [
            "replicas": JSON(replicas), "selector": ["matchLabels": ["app": "web"]],
            "template": ["metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "main", "image": JSON(image)]]]],
        ]
        deployment["spec"]?["strategy"] = strategy
        return deployment
    }

    /// Plays the whole cluster: every step of the plan happens, then every wanted pod becomes available unless `broken`.
    private func settle(
        _ deployment: inout KubeObject, _ sets: inout [KubeObject], broken: Set<String> = [], watch: (Int, Int) -> Void = { _, _ in }
    ) {
        for round in 0..<60 {
            let plan = DeploymentPlan(deployment, replicaSets: sets, pods: [], now: at(Double(round)))
            if plan.create == nil, plan.resize.isEmpty, plan.status == nil, plan.revision == nil { return }
            if let revision = plan.revision { deployment.metadata.annotations[DeploymentPlan.revisionAnnotation] = revision }
            if let status = plan.status { deployment.status = status }
            if var created = plan.create {
                created.metadata.uid = created.name
                sets.append(created)
            }
            for resize in plan.resize {
                guard let index = sets.firstIndex(where: { $0.name == resize.replicaSet.name }) else { continue }
                sets[index]["spec"]?["replicas"] = JSON(resize.replicas)
            }
            for index in sets.indices {
                let wanted = sets[index].wantedReplicas
                let works = !broken.contains(sets[index].spec.at("template", "spec", "containers")?[0]?["image"]?.string ?? "")
                sets[index].status = [
                    "replicas": JSON(wanted), "readyReplicas": JSON(works ? wanted : 0), "availableReplicas": JSON(works ? wanted : 0),
                ]
            }
            watch(sets.map(\.wantedReplicas).reduce(0, +), sets.map(\.availableReplicas).reduce(0, +))
        }
        Issue.record("the rollout does not settle")
    }

    private func condition(_ deployment: KubeObject, _ type: String) -> JSON? {
        deployment.status["conditions"].elements.first { $0["type"]?.string == type }
    }

    @Test("a new Deployment makes one ReplicaSet of its template and reports when it is available")
    func first() {
        var deployment = self.deployment(2)
        var sets: [KubeObject] = []
        self.settle(&deployment, &sets)
        #expect(sets.count == 1)
        let hash = PodTemplateHash.of(deployment.spec["template"] ?? [:])
        #expect(sets[0].name == "web-\(hash)")
        #expect(sets[0].metadata.labels == ["app": "web", "pod-template-hash": hash])
        #expect(sets[0].spec.at("selector", "matchLabels", "pod-template-hash")?.string == hash)
        #expect(sets[0].metadata.controller?.uid == "deploy")
        #expect(deployment.metadata.annotations[DeploymentPlan.revisionAnnotation] == "1")
        #expect(deployment.status["availableReplicas"] == 2)
        #expect(deployment.status["observedGeneration"] == 1)
        #expect(self.condition(deployment, "Available")?["status"] == "True")
        #expect(self.condition(deployment, "Progressing")?["reason"] == "NewReplicaSetAvailable")
    }

    @Test("scaling resizes the ReplicaSet at once", arguments: [0, 1, 5])
    func scales(replicas: Int) {
        var deployment = self.deployment(2)
        var sets: [KubeObject] = []
        self.settle(&deployment, &sets)
        deployment["spec"]?["replicas"] = JSON(replicas)
        deployment.metadata.generation = 2
        self.settle(&deployment, &sets)
        #expect(sets.map(\.wantedReplicas) == [replicas])
        #expect(deployment.status["replicas"]?.int ?? 0 == replicas)
        #expect(deployment.status["observedGeneration"] == 2)
        #expect(self.condition(deployment, "Progressing")?["reason"] == "NewReplicaSetAvailable")
    }

    @Test(
        "a rolling update stays within surge and unavailability all the way",
        arguments: [(4, "25%", "25%"), (4, "0", "1"), (3, "3", "0"), (10, "10%", "50%")])
    func rolls(replicas: Int, surge: String, unavailable: String) {
        func bound(_ text: String) -> JSON { Int(text).map { JSON($0) } ?? JSON(text) }
        let strategy: JSON = ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": bound(surge), "maxUnavailable": bound(unavailable)]]
        var deployment = self.deployment(replicas, strategy: strategy)
        var sets: [KubeObject] = []
        self.settle(&deployment, &sets)
        deployment.spec = self.deployment(replicas, image: "web:2", strategy: strategy).spec
        let limits = RollingUpdate(strategy, replicas: replicas)
        self.settle(&deployment, &sets) { wanted, available in
            #expect(wanted <= replicas + limits.maxSurge)
            #expect(available >= replicas - limits.maxUnavailable)
        }
        #expect(sets.map(\.wantedReplicas) == [0, replicas])
        #expect(deployment.metadata.annotations[DeploymentPlan.revisionAnnotation] == "2")
        #expect(self.condition(deployment, "Progressing")?["reason"] == "NewReplicaSetAvailable")
    }

    @Test("a version that never gets ready leaves the old one serving, and counts as stuck after the deadline")
    func stuck() {
        var deployment = self.deployment(4)
        var sets: [KubeObject] = []
        self.settle(&deployment, &sets)
        deployment.spec = self.deployment(4, image: "broken").spec
        self.settle(&deployment, &sets, broken: ["broken"])
        #expect(sets[0].availableReplicas == 3)
        #expect(self.condition(deployment, "Available")?["status"] == "True")
        #expect(self.condition(deployment, "Progressing")?["reason"] == "ReplicaSetUpdated")
        let plan = DeploymentPlan(deployment, replicaSets: sets, pods: [], now: at(1000))
        deployment.status = plan.status ?? [:]
        #expect(self.condition(deployment, "Progressing")?["reason"] == "ProgressDeadlineExceeded")
        #expect(self.condition(deployment, "Progressing")?["status"] == "False")
    }

    @Test("a broken version does not hold up the one that mends it")
    func mended() {
        var deployment = self.deployment(4)
        var sets: [KubeObject] = []
        self.settle(&deployment, &sets)
        deployment.spec = self.deployment(4, image: "broken").spec
        self.settle(&deployment, &sets, broken: ["broken"])
        deployment.spec = self.deployment(4, image: "web:3").spec
        self.settle(&deployment, &sets, broken: ["broken"])
        #expect(sets.map(\.wantedReplicas) == [0, 0, 4])
    }

    @Test("going back to an earlier template uses its ReplicaSet again")
    func back() {
        var deployment = self.deployment(1)
        var sets: [KubeObject] = []
        self.settle(&deployment, &sets)
        deployment.spec = self.deployment(1, image: "web:2").spec
        self.settle(&deployment, &sets)
        deployment.spec = self.deployment(1).spec
        self.settle(&deployment, &sets)
        #expect(sets.map(\.wantedReplicas) == [1, 0])
    }

    @Test("Recreate waits until no pod of the old version is left")
    func recreate() {
        let strategy: JSON = ["type": "Recreate"]
        var deployment = self.deployment(2, strategy: strategy)
        var sets: [KubeObject] = []
        self.settle(&deployment, &sets)
        deployment.spec = self.deployment(2, image: "web:2", strategy: strategy).spec
        let first = DeploymentPlan(deployment, replicaSets: sets, pods: [], now: start)
        #expect(first.create == nil)
        #expect(first.resize.map(\.replicas) == [0])
        sets[0]["spec"]?["replicas"] = 0
        let leaving = pod("a", owner: sets[0], going: true)
        #expect(DeploymentPlan(deployment, replicaSets: sets, pods: [leaving], now: start).create == nil)
        #expect(DeploymentPlan(deployment, replicaSets: sets, pods: [], now: start).create?.wantedReplicas == 2)
    }

    @Test("old ReplicaSets beyond the history limit go, oldest first")
    func history() {
        var deployment = self.deployment(1)
        deployment["spec"]?["revisionHistoryLimit"] = 1
        var sets: [KubeObject] = []
        for version in 1...4 {
            deployment["spec"]?["template"] = self.deployment(1, image: "web:\(version)").spec["template"]
            self.settle(&deployment, &sets)
        }
        let plan = DeploymentPlan(deployment, replicaSets: sets, pods: [], now: start)
        #expect(plan.delete.map(\.revision) == [1, 2])
    }

    @Test("a Deployment that is being deleted is left alone")
    func going() {
        var deployment = self.deployment(1)
        deployment["metadata"]?["deletionTimestamp"] = JSON(start.rfc3339)
        let plan = DeploymentPlan(deployment, replicaSets: [], pods: [], now: start)
        #expect(plan.create == nil)
        #expect(plan.status == nil)
    }

    @Test("a paused Deployment starts no rollout but scales what serves")
    func paused() {
        var deployment = self.deployment(2)
        var sets: [KubeObject] = []
        self.settle(&deployment, &sets)
        deployment.spec = self.deployment(3, image: "web:2").spec
        deployment["spec"]?["paused"] = true
        let plan = DeploymentPlan(deployment, replicaSets: sets, pods: [], now: start)
        #expect(plan.create == nil)
        #expect(plan.resize.map(\.replicas) == [3])
    }
}
