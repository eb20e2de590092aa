import JSONModel
import KubeAPI

/// What every namespace has in a cluster with a controller manager: the `default` ServiceAccount and the CA that pods verify
/// the API by.
enum NamespaceDefaults {
    /// ConfigMap to the key that holds the CA.
    private static let everywhere = ["kube-root-ca.crt": "ca.crt"]
    /// An API server built for OpenShift mounts this one in every pod as well, and leaves making it to a controller.
    private static let whereMounted = ["openshift-service-ca.crt": "service-ca.crt"]

    /// - Parameter mounted: the ConfigMaps that pods of the namespace mount.
    static func missing(
        in namespace: KubeObject, accounts: Set<ObjectKey>, maps: [ObjectKey: KubeObject], mounted: Set<String>, ca: String?
    ) -> [KubeObject] {
        guard !namespace.metadata.isBeingDeleted else { return [] }
        var missing: [KubeObject] = []
        if !accounts.contains(ObjectKey(namespace: namespace.name, name: "default")) {
            missing.append(KubeObject(.serviceAccounts, name: "default", namespace: namespace.name))
        }
        guard let ca else { return missing }
        let wanted = Self.everywhere.merging(Self.whereMounted.filter { mounted.contains($0.key) }) { first, _ in first }
        for (name, key) in wanted.sorted(by: { $0.key < $1.key })
        where maps[ObjectKey(namespace: namespace.name, name: name)]?["data"]?[key]?.string != ca {
            var map = KubeObject(.configMaps, name: name, namespace: namespace.name)
            map["data"] = [key: JSON(ca)]
            missing.append(map)
        }
        return missing
    }
}
