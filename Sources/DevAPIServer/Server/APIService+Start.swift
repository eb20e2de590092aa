import FoundationEssentials
import JSONModel

extension APIService {
    /// What every cluster has from its first moment.
    func populate() throws {
        try self.store.transact { transaction in
            for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
                let key = ObjectKey(resource: "namespaces", namespace: "", name: name)
                _ = transaction.put(
                    [
                        "apiVersion": "v1", "kind": "Namespace",
                        "metadata": [
                            "name": JSON(name), "uid": JSON(UUID().uuidString.lowercased()), "creationTimestamp": JSON(self.timestamp),
                            "labels": ["kubernetes.io/metadata.name": JSON(name)],
                        ],
                        "spec": ["finalizers": ["kubernetes"]], "status": ["phase": "Active"],
                    ], at: key)
                self.furnish(namespace: name, in: &transaction)
            }
        }
    }

    /// The API as a service of the cluster, once its port is known.
    func announce(port: Int, serviceAddress: String) throws {
        func metadata(_ labels: JSON) -> JSON {
            [
                "name": "kubernetes", "namespace": "default", "uid": JSON(UUID().uuidString.lowercased()),
                "creationTimestamp": JSON(self.timestamp), "labels": labels,
            ]
        }
        let service: JSON = [
            "apiVersion": "v1", "kind": "Service", "metadata": metadata(["component": "apiserver", "provider": "kubernetes"]),
            "spec": [
                "clusterIP": JSON(serviceAddress), "clusterIPs": [JSON(serviceAddress)], "type": "ClusterIP",
                "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None",
                "ports": [["name": "https", "protocol": "TCP", "port": 443, "targetPort": JSON(port)]],
            ],
            "status": ["loadBalancer": [:]],
        ]
        let slice: JSON = [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": metadata(["kubernetes.io/service-name": "kubernetes"]),
            "addressType": "IPv4", "endpoints": [["addresses": ["127.0.0.1"], "conditions": ["ready": true]]],
            "ports": [["name": "https", "protocol": "TCP", "port": JSON(port)]],
        ]
        try self.store.transact { transaction in
            for (resource, object) in [("services", service), ("endpointslices.discovery.k8s.io", slice)] {
                _ = transaction.put(object, at: ObjectKey(resource: resource, namespace: "default", name: "kubernetes"))
            }
        }
    }
}
