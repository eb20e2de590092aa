extension PodSpec {
    static let serviceAccountPath = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The spec with the service account's token, CA and namespace mounted in each container that has nothing there yet.
    /// A real API server's admission does the same; a pod it has already treated stays as it is.
    func mountingServiceAccount(automountByAccount: Bool) -> PodSpec {
        guard self.automountServiceAccountToken ?? automountByAccount else { return self }
        var spec = self
        let volume = "egret-api-access"
        var isUsed = false
        func mount(_ containers: inout [ContainerSpec]) {
            for index in containers.indices where !containers[index].mounts.contains(where: { $0.path == Self.serviceAccountPath }) {
                containers[index].mounts.append(VolumeMount(volume: volume, path: Self.serviceAccountPath, readOnly: true))
                isUsed = true
            }
        }
        mount(&spec.initContainers)
        mount(&spec.containers)
        guard isUsed else { return self }
        spec.volumes.append(
            VolumeSpec(
                name: volume,
                source: .projected(
                    [
                        .token(audience: nil, lifetime: .seconds(3607), path: "token"),
                        .object(
                            DataObject(kind: .configMap, name: "kube-root-ca.crt"),
                            items: [.init(key: "ca.crt", path: "ca.crt", mode: nil)], optional: false),
                        .fields([.init(path: "namespace", value: .field("metadata.namespace"), mode: nil)]),
                    ], mode: 0o644)))
        return spec
    }
}
