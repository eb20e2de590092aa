package import CurlTransport

/// Where an API server is, whom to believe there, and who we are.
package struct ClusterConfig: Sendable {
    /// `https://host:port`, perhaps with a path prefix, without a trailing slash.
    package var server: String
    package var tls: TLSSettings
    package var proxy: ProxyChoice
    package var credential: Credential
    /// Where namespaced objects without a namespace go.
    package var namespace: String
    /// Where this came from, for messages: a kubeconfig's path and context, or the pod's service account.
    package var origin: String

    /// How requests say who asks (besides a client certificate, which is part of `tls`).
    package enum Credential: Hashable, Sendable, CustomStringConvertible {
        case none
        case token(String)
        /// Read again when it is a minute old: the kubelet rotates it.
        case tokenFile(String)
        case basic(user: String, password: String)
        /// A program that prints an `ExecCredential`.
        case plugin(ExecPlugin)

        package var description: String {
            switch self {
            case .none: "requests without a token or password"
            case .token: "a token"
            case .tokenFile(let path): "the token in \(path)"
            case .basic(let user, _): "the password of \(user)"
            case .plugin(let plugin): "the plugin \(plugin.command)"
            }
        }
    }

    package init(
        server: String, tls: TLSSettings = TLSSettings(), proxy: ProxyChoice = .environment, credential: Credential = .none,
        namespace: String = "default", origin: String = ""
    ) {
        self.server = server
        while self.server.hasSuffix("/") { self.server.removeLast() }
        self.tls = tls
        self.proxy = proxy
        self.credential = credential
        self.namespace = namespace
        self.origin = origin.isEmpty ? self.server : origin
    }

    /// What kubectl would use: `file`, else `$KUBECONFIG` (a list), else `~/.kube/config`, else the pod's service account.
    /// `context` overrides `current-context`.
    package static func load(
        file: String? = nil, context: String? = nil, environment: [String: String] = Host.environment
    ) throws(KubeconfigError) -> ClusterConfig {
        let files = KubeconfigFiles(file: file, environment: environment)
        if let kubeconfig = try files.read() { return try kubeconfig.config(context: context) }
        if environment["KUBERNETES_SERVICE_HOST"] != nil { return try self.inCluster(environment: environment) }
        throw KubeconfigError(
            "no Kubernetes cluster is configured: there is no \(files.described), and this is no pod. Give a file with --kubeconfig or KUBECONFIG"
        )
    }
}
