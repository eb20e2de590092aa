import FoundationEssentials
import JSONModel
import KubeAPI

@testable import DevNode

/// The tests' epoch: dates are seconds after it.
let start = Date(timeIntervalSince1970: 1_800_000_000)
func at(_ seconds: Double) -> Date { start.addingTimeInterval(seconds) }

func pod(
    _ name: String, owner: KubeObject? = nil, phase: String = "Running", ready: Bool = true, address: String? = "127.10.0.1",
    labels: [String: String] = [:], going: Bool = false, node: String? = "n", created: Double = 0
) -> KubeObject {
    var pod = KubeObject(.pods, name: name, namespace: "default", labels: labels)
    pod.metadata.uid = "uid-\(name)"
    pod["metadata"]?["creationTimestamp"] = JSON(at(created).rfc3339)
    if going { pod["metadata"]?["deletionTimestamp"] = JSON(start.rfc3339) }
    if let owner { pod.metadata.ownerReferences = [OwnerReference(controller: owner)] }
    pod.spec = ["containers": [["name": "main", "image": "web", "ports": [["name": "http", "containerPort": 8080]]]]]
    pod["spec"]?["nodeName"] = node.map(JSON.string)
    pod.status = [
        "phase": JSON(phase),
        "conditions": [["type": "Ready", "status": ready ? "True" : "False", "lastTransitionTime": JSON(start.rfc3339)]],
    ]
    pod["status"]?["podIP"] = address.map(JSON.string)
    return pod
}

func replicaSet(_ replicas: Int, name: String = "web-1", uid: String = "rs", minReady: Int? = nil) -> KubeObject {
    var set = KubeObject(.replicaSets, name: name, namespace: "default")
    set.metadata.uid = uid
    set.metadata.generation = 3
    set.spec = [
        "replicas": JSON(replicas),
        "template": [
            "metadata": ["labels": ["app": "web"], "annotations": ["note": "x"], "creationTimestamp": nil],
            "spec": ["containers": [["name": "main", "image": "web"]]],
        ],
    ]
    set["spec"]?["minReadySeconds"] = minReady.map { JSON($0) }
    return set
}

/// A pod spec with one container, changed by `change`.
func podSpec(restart: String = "Always", grace: Int = 30, _ change: (inout JSON) -> Void = { _ in }) -> PodSpec {
    var container: JSON = ["name": "main", "image": "web"]
    change(&container)
    return PodSpec(["containers": [container], "restartPolicy": JSON(restart), "terminationGracePeriodSeconds": JSON(grace)])
}
