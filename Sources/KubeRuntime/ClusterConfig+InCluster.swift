private import CurlTransport

extension ClusterConfig {
    package static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The service account that every pod has. The token file is read again while we run.
    package static func inCluster(
        environment: [String: String] = Host.environment, folder: String = serviceAccountFolder
    ) throws(KubeconfigError) -> ClusterConfig {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], let port = environment["KUBERNETES_SERVICE_PORT"], !host.isEmpty else {
            throw KubeconfigError("this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
        }
        let token = "\(folder)/token"
        let hint = "set automountServiceAccountToken: true in the pod or its service account"
        guard Host.read(token) != nil else { throw KubeconfigError("the service account token \(token) cannot be read: \(hint)") }
        guard let ca = Host.text(of: "\(folder)/ca.crt"), ca.contains("-----BEGIN CERTIFICATE-----") else {
            throw KubeconfigError("\(folder)/ca.crt holds no certificate of the API server's CA: \(hint)")
        }
        let namespace = Host.text(of: "\(folder)/namespace")?.trimmed ?? ""
        return ClusterConfig(
            server: "https://\(host.contains(":") ? "[\(host)]" : host):\(port)", tls: TLSSettings(ca: ca), credential: .tokenFile(token),
            namespace: namespace.isEmpty ? "default" : namespace, origin: "the pod's service account")
    }
}
