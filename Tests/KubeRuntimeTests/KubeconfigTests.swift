import CurlTransport
import FoundationEssentials
import KubeRuntime
import Testing

/// A folder of files for one test, removed afterwards.
final class TemporaryFolder {
    let path: String

    init(_ files: [String: String] = [:]) throws {
        self.path = FileManager.default.temporaryDirectory.appending(path: "egret-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
        for (name, text) in files { try self.write(name, text) }
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    func write(_ name: String, _ text: String, isExecutable: Bool = false) throws {
        let file = "\(self.path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: file), options: .atomic)
        if isExecutable { try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file) }
    }
}

@Suite("Kubeconfig")
struct KubeconfigTests {
    private static let ca = "-----BEGIN CERTIFICATE-----\nY2E=\n-----END CERTIFICATE-----\n"
    private static let certificate = "-----BEGIN CERTIFICATE-----\nY3J0\n-----END CERTIFICATE-----\n"
    private static let key = "-----BEGIN PRIVATE KEY-----\na2V5\n-----END PRIVATE KEY-----\n"

    private static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    /// One cluster, one user, one context around them.
    private static func text(cluster: String = "server: https://api:6443", user: String = "token: t", context: String = "") -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: main
        clusters:
        - name: c
          cluster: {\(cluster)}
        users:
        - name: u
          user: {\(user)}
        contexts:
        - name: main
          context: {cluster: c, user: u\(context)}

        """
    }

    private func load(
        _ text: String, context: String? = nil, files: [String: String] = [:]
    ) throws -> ClusterConfig {
        let folder = try TemporaryFolder(files)
        try folder.write("config", text)
        return try ClusterConfig.load(file: "\(folder.path)/config", context: context, environment: [:])
    }

    @Test("Server, namespace, CA, certificate and token are read")
    func whole() throws {
        let config = try self.load(
            Self.text(
                cluster:
                    "server: https://api:6443/, certificate-authority-data: \(Self.base64(Self.ca)), tls-server-name: kubernetes, proxy-url: 'http://p:3128'",
                user:
                    "client-certificate-data: \(Self.base64(Self.certificate)), client-key-data: \(Self.base64(Self.key)), token: abc",
                context: ", namespace: kuma-system"))
        #expect(config.server == "https://api:6443")
        #expect(config.namespace == "kuma-system")
        #expect(
            config.tls
                == TLSSettings(ca: Self.ca, clientCertificate: Self.certificate, clientKey: Self.key, serverName: "kubernetes"))
        #expect(config.proxy == .url("http://p:3128"))
        #expect(config.credential == .token("abc"))
        #expect(config.origin.hasPrefix("context main of "))
    }

    @Test("Files are found beside the kubeconfig")
    func relativeFiles() throws {
        let config = try self.load(
            Self.text(
                cluster: "server: api:6443, certificate-authority: ca.crt",
                user: "client-certificate: me.crt, client-key: me.key"),
            files: ["ca.crt": Self.ca, "me.crt": Self.certificate, "me.key": Self.key])
        #expect(config.server == "https://api:6443")
        #expect(config.tls == TLSSettings(ca: Self.ca, clientCertificate: Self.certificate, clientKey: Self.key))
    }

    @Test("A token file wins over a token, and a user may be missing")
    func credentials() throws {
        let config = try self.load(Self.text(user: "tokenFile: t, token: x"), files: ["t": "abc\n"])
        guard case .tokenFile(let path) = config.credential else {
            Issue.record("\(config.credential)")
            return
        }
        #expect(path.hasSuffix("/t"))
        #expect(try self.load(Self.text(user: "username: a, password: b")).credential == .basic(user: "a", password: "b"))
        let anonymous = Self.text().replacing(", user: u", with: "")
        #expect(try self.load(anonymous).credential == .none)
        #expect(try self.load(Self.text(cluster: "server: https://a, insecure-skip-tls-verify: true")).tls.insecureSkipVerify)
    }

    @Test("The context is the one asked for, else the current one")
    func contexts() throws {
        let text = Self.text() + "- name: other\n  context: {cluster: c, namespace: elsewhere}\n"
        #expect(try self.load(text).namespace == "default")
        #expect(try self.load(text, context: "other").namespace == "elsewhere")
    }

    @Test("KUBECONFIG lists files; the first to name something wins, and missing ones do not matter")
    func list() throws {
        let folder = try TemporaryFolder([
            "a": "current-context: main\nclusters:\n- {name: c, cluster: {server: 'https://first'}}\n",
            "b": Self.text(cluster: "server: https://second", context: ", namespace: b"),
        ])
        let config = try ClusterConfig.load(
            environment: ["KUBECONFIG": "\(folder.path)/a:\(folder.path)/missing:\(folder.path)/b"])
        #expect(config.server == "https://first")
        #expect(config.namespace == "b" && config.credential == .token("t"))
    }

    @Test("Without a list the file in the home folder counts, and without any the pod's own account")
    func fallbacks() throws {
        let home = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: "\(home.path)/.kube", withIntermediateDirectories: true)
        let error = #expect(throws: KubeconfigError.self) { try ClusterConfig.load(environment: ["HOME": home.path]) }
        #expect(error?.message.contains("\(home.path)/.kube/config") == true)
        #expect(error?.message.contains("--kubeconfig") == true)
        try home.write(".kube/config", Self.text())
        #expect(try ClusterConfig.load(environment: ["HOME": home.path]).server == "https://api:6443")
    }

    @Test("In a pod: address, CA, token file and namespace")
    func inCluster() throws {
        let folder = try TemporaryFolder(["token": "t", "ca.crt": Self.ca, "namespace": "kuma-system\n"])
        let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"]
        let config = try ClusterConfig.inCluster(environment: environment, folder: folder.path)
        #expect(config.server == "https://[fd00::1]:443")
        #expect(config.tls.ca == Self.ca && config.namespace == "kuma-system")
        #expect(config.credential == .tokenFile("\(folder.path)/token"))
        try FileManager.default.removeItem(atPath: "\(folder.path)/token")
        let error = #expect(throws: KubeconfigError.self) {
            try ClusterConfig.inCluster(environment: environment, folder: folder.path)
        }
        #expect(error?.message.contains("automountServiceAccountToken") == true)
        #expect(throws: KubeconfigError.self) { try ClusterConfig.inCluster(environment: [:]) }
    }

    /// What is wrong, and words that must be in the one sentence about it.
    private static let broken: [(String, [String])] = [
        ("a: b: c", ["not valid YAML", "/config:1:5"]),
        ("clusters: []\nclusters: []", ["\"clusters\" is given twice"]),
        ("- a", ["is no mapping but array"]),
        ("kind: Pod", ["is no kubeconfig", "Pod"]),
        ("clusters: 3", ["clusters must be a list, not integer"]),
        ("users:\n- user: {}", ["users[0] has no name"]),
        ("users:\n- {name: u, user: [1]}", ["users[0].user", "must be a mapping, not array"]),
        ("", ["has no current-context", "there are none"]),
        (text().replacing("current-context: main", with: ""), ["has no current-context", "there are main"]),
        (text().replacing("current-context: main", with: "current-context: x"), ["the context \"x\"", "there are main"]),
        (text().replacing("cluster: c,", with: "cluster: d,"), ["the cluster \"d\"", "there are c"]),
        (text().replacing("user: u}", with: "user: v}"), ["the user \"v\"", "there are u"]),
        (text().replacing("cluster: c, user", with: "user"), ["has no cluster"]),
        (text(cluster: ""), ["cluster \"c\"", "has no server"]),
        (text(cluster: "server: ftp://x"), ["must be a URL"]),
        (text(cluster: "server: https://a, certificate-authority-data: '%%'"), ["certificate-authority-data is not valid base64"]),
        (text(cluster: "server: https://a, certificate-authority-data: aGVsbG8="), ["holds no PEM certificate"]),
        (text(cluster: "server: https://a, certificate-authority: no.crt"), ["no.crt", "cannot be read"]),
        (
            text(cluster: "server: https://a, insecure-skip-tls-verify: true, certificate-authority-data: \(base64(ca))"),
            ["contradict each other"]
        ),
        (text(cluster: "server: https://a, proxy-url: 'ftp://p'"), ["proxy-url must start with"]),
        (text(user: "client-certificate-data: \(base64(certificate))"), ["certificate without its key"]),
        (text(user: "client-key-data: \(base64(key))"), ["key without its certificate"]),
        (text(user: "tokenFile: missing"), ["token file", "cannot be read"]),
        (text(user: "token: \"top secret\""), ["token must be one text"]),
        (text(user: "token: [top-secret]"), ["token must be one text"]),
        (text(user: "as: root"), ["impersonation"]),
        (text(user: "auth-provider: {name: gcp}"), ["auth-provider was removed", "exec plugin"]),
        (text(user: "exec: {apiVersion: client.authentication.k8s.io/v1}"), ["exec has no command"]),
        (text(user: "exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}"), ["v1alpha1", "must be", "v1beta1"]),
        (
            text(user: "exec: {command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}"),
            ["always asks a person"]
        ),
    ]

    @Test("What is wrong is one sentence: what and where, without the secret", arguments: broken)
    func mistakes(text: String, words: [String]) {
        let error = #expect(throws: KubeconfigError.self) { try self.load(text) }
        for word in words { #expect(error?.message.contains(word) == true, "\(error?.message ?? "")") }
        #expect(error?.message.contains("secret") == false)
        #expect(error?.message.contains("\n") == false)
    }

    @Test("A file asked for by name must exist")
    func missing() {
        let error = #expect(throws: KubeconfigError.self) { try ClusterConfig.load(file: "/nowhere/config", environment: [:]) }
        #expect(error?.message == "the kubeconfig /nowhere/config does not exist: give another path")
    }
}
