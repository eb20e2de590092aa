private import CurlTransport
internal import JSONModel

extension Kubeconfig {
    /// What one context says, with the files it names read.
    func config(context choice: String?) throws(KubeconfigError) -> ClusterConfig {
        guard let name = choice ?? self.currentContext else {
            throw KubeconfigError(
                "the kubeconfig \(self.path) has no current-context: choose one with --context or \"kubectl config use-context\"\(Self.offer(self.contexts))"
            )
        }
        let context = try Self.find(name, "context", in: self.contexts, askedBy: "the kubeconfig \(self.path)")
        let asker = "context \"\(name)\" in \(context.file)"
        let cluster = try Self.find(try Self.text("cluster", context, asker), "cluster", in: self.clusters, askedBy: asker)
        var config = try Self.clusterPart(cluster)
        config.origin = "context \(name) of \(context.file)"
        if let namespace = context.value["namespace"]?.string, !namespace.isEmpty { config.namespace = namespace }
        // A context without a user is anonymous.
        if let user = context.value["user"]?.string, !user.isEmpty {
            try Self.find(user, "user", in: self.users, askedBy: asker).addUser(to: &config)
        }
        return config
    }

    private static func clusterPart(_ cluster: Entry) throws(KubeconfigError) -> ClusterConfig {
        let place = "cluster \"\(cluster.name)\" in \(cluster.file)"
        var server = try self.text("server", cluster, place)
        if !server.contains("://") { server = "https://\(server)" }
        guard server.hasPrefix("https://") || server.hasPrefix("http://"), !server.contains(where: \.isWhitespace) else {
            throw KubeconfigError("\(place): server \"\(server)\" must be a URL such as https://host:6443")
        }
        var config = ClusterConfig(server: server)
        config.tls.insecureSkipVerify = cluster.value["insecure-skip-tls-verify"]?.bool ?? false
        config.tls.serverName = cluster.value["tls-server-name"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        config.tls.ca = try cluster.pem("certificate-authority", place, holding: "CERTIFICATE")
        guard config.tls.ca == nil || !config.tls.insecureSkipVerify else {
            throw KubeconfigError("\(place): certificate-authority and insecure-skip-tls-verify contradict each other: remove one")
        }
        if let proxy = cluster.value["proxy-url"]?.string, !proxy.isEmpty {
            guard ["http://", "https://", "socks5://"].contains(where: proxy.hasPrefix) else {
                throw KubeconfigError("\(place): proxy-url must start with http://, https:// or socks5://")
            }
            config.proxy = .url(proxy)
        }
        return config
    }

    private static func text(_ member: String, _ entry: Entry, _ place: String) throws(KubeconfigError) -> String {
        guard let text = entry.value[member]?.string, !text.isEmpty else { throw KubeconfigError("\(place) has no \(member)") }
        return text
    }

    private static func find(_ name: String, _ kind: String, in entries: [Entry], askedBy asker: String) throws(KubeconfigError) -> Entry {
        if let entry = entries.first(where: { $0.name == name }) { return entry }
        throw KubeconfigError("\(asker) names the \(kind) \"\(name)\", which is not there\(self.offer(entries))")
    }

    private static func offer(_ entries: [Entry]) -> String {
        entries.isEmpty ? "; there are none" : "; there are \(entries.map(\.name).sorted().prefix(20).joined(separator: ", "))"
    }
}

extension Kubeconfig.Entry {
    /// `users[].user`, in kubectl's order of precedence: token file, token, password, plugin; a certificate besides.
    fileprivate func addUser(to config: inout ClusterConfig) throws(KubeconfigError) {
        let place = "user \"\(self.name)\" in \(self.file)"
        config.tls.clientCertificate = try self.pem("client-certificate", place, holding: "CERTIFICATE")
        config.tls.clientKey = try self.pem("client-key", place, holding: "PRIVATE KEY")
        guard (config.tls.clientCertificate == nil) == (config.tls.clientKey == nil) else {
            throw KubeconfigError(
                "\(place) has a client \(config.tls.clientKey == nil ? "certificate without its key: add client-key-data" : "key without its certificate: add client-certificate-data")"
            )
        }
        if self.value["as"]?.string?.isEmpty == false { throw KubeconfigError("\(place): impersonation (as) is not supported: remove it") }
        if let path = self.value["tokenFile"]?.string, !path.isEmpty {
            let resolved = self.resolve(path)
            guard let token = Host.text(of: resolved) else { throw KubeconfigError("\(place): the token file \(resolved) cannot be read") }
            guard !token.trimmed.isEmpty else { throw KubeconfigError("\(place): the token file \(resolved) is empty") }
            config.credential = .tokenFile(resolved)
        } else if let token = self.value["token"], !token.isNull, token.string?.isEmpty != true {
            guard let text = token.string, !text.contains(where: \.isWhitespace) else {
                throw KubeconfigError("\(place): the token must be one text without spaces or line breaks")
            }
            config.credential = .token(text)
        } else if let user = self.value["username"]?.string, !user.isEmpty {
            config.credential = .basic(user: user, password: self.value["password"]?.string ?? "")
        } else if let exec = self.value["exec"], !exec.isNull {
            config.credential = .plugin(try ExecPlugin(exec, entry: self, place: place))
        } else if self.value["auth-provider"]?.object != nil {
            throw KubeconfigError("\(place): auth-provider was removed from Kubernetes in 1.26: use an exec plugin")
        }
    }

    /// PEM text from `<member>-data` (base64), which wins, or from the file `<member>` names.
    fileprivate func pem(_ member: String, _ place: String, holding: String) throws(KubeconfigError) -> String? {
        let text: String
        let source: String
        if let data = self.value["\(member)-data"]?.string, !data.isEmpty {
            source = "\(member)-data"
            guard let decoded = Host.decodeBase64(data) else { throw KubeconfigError("\(place): \(source) is not valid base64") }
            text = decoded
        } else if let path = self.value[member]?.string, !path.isEmpty {
            source = "the file \(self.resolve(path)) of \(member)"
            guard let contents = Host.text(of: self.resolve(path)) else { throw KubeconfigError("\(place): \(source) cannot be read") }
            text = contents
        } else {
            return nil
        }
        guard text.contains("-----BEGIN "), text.contains("\(holding)-----") else {
            throw KubeconfigError("\(place): \(source) holds no PEM \(holding.lowercased())")
        }
        return text
    }
}
