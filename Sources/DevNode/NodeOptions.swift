/// How the development node reaches its API and where its pods live.
package struct NodeOptions: Sendable {
    /// A kubeconfig file with rights over the whole cluster.
    package var kubeconfig: String
    /// Logs and volumes of pods. Made when missing; what an earlier node left in it is removed.
    package var dataDirectory: String
    /// Image name (the last path component, without tag or digest) to the local program that is its entrypoint.
    package var images: [String: String]
    package var name: String
    /// Pods take their addresses here, one each.
    package var addressBlock: AddressBlock
    /// Runs the service proxy: listeners on the Services' ClusterIPs, which must be addresses of this machine.
    package var proxiesServices: Bool

    package init(
        kubeconfig: String, dataDirectory: String, images: [String: String] = [:], name: String = "egret-node",
        addressBlock: AddressBlock = .pods, proxiesServices: Bool = true
    ) {
        self.kubeconfig = kubeconfig
        self.dataDirectory = dataDirectory
        self.images = images
        self.name = name
        self.addressBlock = addressBlock
        self.proxiesServices = proxiesServices
    }
}
