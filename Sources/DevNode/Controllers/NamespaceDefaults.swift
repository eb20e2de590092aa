import JSONModel
import KubeAPI

/// What every namespace has in a cluster with a controller manager: the `default` ServiceAccount and the CA that pods verify
/// the API by.
enum NamespaceDefaults {
    static let certificateMap = "kube-root-ca.crt"

    static func missing(in namespace: KubeObject, accounts: Set<ObjectKey>, maps: [ObjectKey: KubeObject], ca: String?) -> [KubeObject] {
        guard !namespace.metadata.isBeingDeleted else { return [] }
        var missing: [KubeObject] = []
        if !accounts.contains(ObjectKey(namespace: namespace.name, name: "default")) {
            missing.append(KubeObject(.serviceAccounts, name: "default", namespace: namespace.name))
        }
        if let ca, maps[ObjectKey(namespace: namespace.name, name: Self.certificateMap)]?["data"]?["ca.crt"]?.string != ca {
            var map = KubeObject(.configMaps, name: Self.certificateMap, namespace: namespace.name)
            map["data"] = ["ca.crt": JSON(ca)]
            missing.append(map)
        }
        return missing
    }
}
