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

    /// How requests say who asks (besides a client certificate, which is part of `tls`).
    package enum Credential: Sendable {
        case none
        case token(String)
        /// Read again when it is a minute old: the kubelet rotates it.
        case tokenFile(String)
        case basic(user: String, password: String)
        /// A program that prints an `ExecCredential`.
        case plugin(ExecPlugin)
    }

    package init(
        server: String, tls: TLSSettings = TLSSettings(), proxy: ProxyChoice = .environment, credential: Credential = .none,
        namespace: String = "default"
    ) {
        self.server = server
        self.tls = tls
        self.proxy = proxy
        self.credential = credential
        self.namespace = namespace
    }

    /// The service account every pod has.
    package static func inCluster() throws(KubeconfigError) -> ClusterConfig { fatalError("follows") }

    /// What kubectl would use: `file`, else `$KUBECONFIG` (a list), else `~/.kube/config`, else in-cluster.
    /// `context` overrides `current-context`.
    package static func load(file: String? = nil, context: String? = nil) throws(KubeconfigError) -> ClusterConfig { fatalError("follows") }
}

/// `users[].user.exec` of a kubeconfig.
package struct ExecPlugin: Hashable, Sendable {
    package var command: String
    package var arguments: [String]
    package var environment: [String: String]
    package var apiVersion: String
    package var installHint: String
    package var provideClusterInfo: Bool
}

/// One sentence: what is wrong, where, and how to mend it. Never a secret.
package struct KubeconfigError: Error, Hashable, Sendable, CustomStringConvertible {
    package let message: String
    package var description: String { self.message }
}
