import JSONModel
import KubeAPI

/// There is one node: a pod goes there unless its `nodeSelector` says otherwise.
enum Scheduling {
    enum Decision: Hashable, Sendable {
        case nothing
        case bind
        /// The pod stays pending; the sentence says why.
        case unschedulable(String)
    }

    static func decide(_ pod: KubeObject, nodeLabels: [String: String]) -> Decision {
        guard (pod.spec["nodeName"]?.string ?? "").isEmpty, !pod.metadata.isBeingDeleted, !pod.isFinishedPod else { return .nothing }
        let wanted = pod.spec["nodeSelector"].stringMembers
        if wanted.allSatisfy({ nodeLabels[$0.key] == $0.value }) { return .bind }
        let message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
        return pod.conditions["PodScheduled"]?.message == message ? .nothing : .unschedulable(message)
    }

    /// The body of a POST to the pod's `binding` subresource.
    static func binding(_ pod: KubeObject, node: String) -> JSON {
        [
            "apiVersion": "v1", "kind": "Binding",
            "metadata": ["name": JSON(pod.name), "namespace": JSON(pod.namespace ?? ""), "uid": JSON(pod.metadata.uid)],
            "target": ["apiVersion": "v1", "kind": "Node", "name": JSON(node)],
        ]
    }
}
