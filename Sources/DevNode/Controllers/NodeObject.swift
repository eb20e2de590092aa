import FoundationEssentials
import JSONModel
import KubeAPI

/// The Node object we register.
struct NodeObject: Sendable {
    var name: String
    var address: String
    var kubeletPort: Int
    var capacity: NodeCapacity
    var addressBlock: AddressBlock

    var labels: [String: String] {
        #if arch(arm64)
        let architecture = "arm64"
        #else
        let architecture = "amd64"
        #endif
        return ["kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": architecture]
    }

    var object: KubeObject {
        var node = KubeObject(.nodes, name: self.name, labels: self.labels)
        node["spec"] = ["podCIDR": JSON(self.addressBlock.description), "podCIDRs": [JSON(self.addressBlock.description)]]
        return node
    }

    /// - Parameter since: when the node became ready.
    func status(since: Date, now: Date) -> JSON {
        let room: JSON = [
            "cpu": JSON(self.capacity.quantity("cpu")), "memory": JSON(self.capacity.quantity("memory")), "pods": "250",
        ]
        return [
            "addresses": [["type": "InternalIP", "address": JSON(self.address)], ["type": "Hostname", "address": JSON(self.name)]],
            "daemonEndpoints": ["kubeletEndpoint": ["Port": JSON(self.kubeletPort)]], "capacity": room, "allocatable": room,
            "conditions": [
                [
                    "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "development node: pods are local processes",
                    "lastTransitionTime": JSON(since.rfc3339), "lastHeartbeatTime": JSON(now.rfc3339),
                ]
            ],
            "nodeInfo": [
                "architecture": JSON(self.labels["kubernetes.io/arch"] ?? ""), "operatingSystem": "linux",
                "osImage": "Egret development node",
                "kubeletVersion": "v1.32.0", "kubeProxyVersion": "v1.32.0", "containerRuntimeVersion": "bwrap://0", "kernelVersion": "",
                "bootID": "", "machineID": "", "systemUUID": "",
            ],
        ]
    }
}
