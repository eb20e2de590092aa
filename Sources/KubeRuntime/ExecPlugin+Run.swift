private import CurlTransport
internal import FoundationEssentials
internal import JSONModel
internal import KubeAPI
private import Subprocess
private import SystemPackage

/// What a plugin gave. Never printed.
struct ExecCredential: Sendable {
    var token: String?
    var clientCertificate: String?
    var clientKey: String?
    var expiry: Date?
}

extension ExecPlugin {
    /// Runs the program once. Its standard error is for people: the last line of it goes into a failure's sentence.
    func run(server: ClusterConfig) async throws(KubeError) -> ExecCredential {
        let called = "the credential plugin \(self.command)"
        let result: (output: String, error: String, status: TerminationStatus)
        do {
            result = try await self.output(info: self.info(server))
        } catch let error as SubprocessError where error.code == .executableNotFound {
            let hint = self.installHint.isEmpty ? "install it or correct exec.command in the kubeconfig" : self.installHint.trimmed
            throw .credentials(message: "\(called) is not there: \(hint)")
        } catch is CancellationError {
            throw .cancelled
        } catch {
            throw .credentials(message: "\(called) could not be run: \(error)")
        }
        guard result.status.isSuccess else {
            let last = result.error.split(separator: "\n").last.map { ": \($0.prefix(300))" } ?? ""
            throw .credentials(message: "\(called) failed (\(result.status))\(last)")
        }
        return try self.credential(in: result.output, called)
    }

    /// The longest a plugin may take: the providers' tools ask a service of theirs at most.
    private static let timeout = Duration.seconds(60)

    private struct TookTooLong: Error, CustomStringConvertible {
        var description: String { "it did not finish within \(ExecPlugin.timeout.components.seconds) s" }
    }

    private func output(info: String) async throws -> (String, String, TerminationStatus) {
        try await withThrowingTaskGroup { group in
            group.addTask { try await self.unboundedOutput(info: info) }
            group.addTask {
                try await Task.sleep(for: Self.timeout)
                throw TookTooLong()
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    private func unboundedOutput(info: String) async throws -> (String, String, TerminationStatus) {
        var environment: [Environment.Key: String?] = [:]
        for (name, value) in self.environment { environment[Environment.Key(stringLiteral: name)] = value }
        environment["KUBERNETES_EXEC_INFO"] = info
        let executable: Executable = self.command.contains("/") ? .path(FilePath(self.command)) : .name(self.command)
        let result = try await Subprocess.run(
            executable, arguments: Arguments(self.arguments), environment: .inherit.updating(environment),
            output: .string(limit: 1 << 20), error: .string(limit: 64 << 10))
        return (result.standardOutput, result.standardError, result.terminationStatus)
    }

    private func info(_ config: ClusterConfig) -> String {
        var spec: JSON = ["interactive": false]
        if self.provideClusterInfo {
            var cluster: JSON = ["server": .string(config.server)]
            cluster["tls-server-name"] = config.tls.serverName.map(JSON.string)
            cluster["certificate-authority-data"] = config.tls.ca.map { .string(Data($0.utf8).base64EncodedString()) }
            if config.tls.insecureSkipVerify { cluster["insecure-skip-tls-verify"] = true }
            if case .url(let proxy) = config.proxy { cluster["proxy-url"] = .string(proxy) }
            spec["cluster"] = cluster
        }
        return (["apiVersion": .string(self.apiVersion), "kind": "ExecCredential", "spec": spec] as JSON).text
    }

    private func credential(in output: String, _ called: String) throws(KubeError) -> ExecCredential {
        guard let json = try? JSON(parsing: output), json["kind"]?.string == "ExecCredential" else {
            throw .credentials(message: "\(called) printed no ExecCredential in JSON")
        }
        guard json["apiVersion"]?.string == self.apiVersion else {
            throw .credentials(
                message:
                    "\(called) speaks \(json["apiVersion"]?.string ?? "no apiVersion") but the kubeconfig asks for \(self.apiVersion): make them equal"
            )
        }
        let status = json["status"]
        let credential = ExecCredential(
            token: status?["token"]?.string, clientCertificate: status?["clientCertificateData"]?.string,
            clientKey: status?["clientKeyData"]?.string, expiry: status?["expirationTimestamp"]?.string.flatMap(Date.init(rfc3339:)))
        guard credential.token != nil || credential.clientCertificate != nil else {
            throw .credentials(message: "\(called) gave neither a token nor a client certificate")
        }
        guard (credential.clientCertificate == nil) == (credential.clientKey == nil) else {
            throw .credentials(message: "\(called) gave a client certificate or a key without the other")
        }
        return credential
    }
}
