import Foundation
import JSONModel
import TestKit
import Testing

/// A cluster under test, driven as a person drives it: with kubectl and helm.
struct Cluster: Sendable {
    static let system = "kuma-system"

    /// kubectl programs to run scenarios with; the first is the one most use.
    static let kubectls: [String] =
        ProcessInfo.processInfo.environment["EGRET_KUBECTLS"].map { $0.split(separator: ":").map(String.init) } ?? ["kubectl"]

    let kubeconfig: String
    /// For files of the test; removed with the cluster.
    let directory: String
    var kubectlProgram = Cluster.kubectls[0]
    /// The process behind the API, where the test owns it.
    var process: BackgroundProcess?
    /// The API server's audit log, where it keeps one that this machine can read.
    var auditLog: AuditLog?

    /// A borrowed cluster tells who asked for what only if the environment says where.
    static let tellsRequests = Environment.kubeconfig == nil || Environment.auditLog != nil

    private var environment: [String: String] {
        ["KUBECONFIG": self.kubeconfig, "HOME": self.directory, "HELM_CACHE_HOME": self.directory, "NO_COLOR": "1"]
    }

    /// Runs kubectl, whatever comes of it.
    func tryKubectl(_ arguments: String..., input: String = "") async throws -> CommandResult {
        try await Command.run(self.kubectlProgram, arguments, input: input, environment: self.environment)
    }

    /// Runs kubectl, which has to succeed.
    @discardableResult
    func kubectl(_ arguments: String..., input: String = "") async throws -> String { try await self.kubectl(arguments, input: input) }

    @discardableResult
    func kubectl(_ arguments: [String], input: String = "") async throws -> String {
        try await Command.output(self.kubectlProgram, arguments, input: input, environment: self.environment)
    }

    @discardableResult
    func apply(_ yaml: String) async throws -> String { try await self.kubectl("apply", "-f", "-", input: yaml) }

    func tryHelm(_ arguments: String...) async throws -> CommandResult {
        try await Command.run(Repository.python, ["-B", Repository.helm] + arguments, environment: self.environment)
    }

    @discardableResult
    func helm(_ arguments: String...) async throws -> String {
        try await Command.output(Repository.python, ["-B", Repository.helm] + arguments, environment: self.environment)
    }

    /// An object as JSON; nil when there is none.
    func object(_ name: String, namespace: String = Cluster.system) async throws -> JSON? {
        let result = try await self.tryKubectl("get", name, "-n", namespace, "-o", "json", "--ignore-not-found")
        guard result.status == 0 else { throw CommandFailed(result: result) }
        // Not `? nil :`, in which nil would be the JSON value null.
        guard !result.output.isEmpty else { return nil }
        return try JSON(parsing: result.output)
    }

    func exists(_ name: String, namespace: String = Cluster.system) async throws -> Bool {
        try await !self.kubectl("get", name, "-n", namespace, "-o", "name", "--ignore-not-found").isEmpty
    }

    func uid(_ name: String, namespace: String = Cluster.system) async throws -> String? {
        try await self.object(name, namespace: namespace)?.at("metadata", "uid")?.string
    }

    /// A condition's `status reason`, such as `False NoReadyEndpoints`.
    func condition(_ type: String, of name: String, namespace: String = Cluster.system) async throws -> String? {
        let conditions = try await self.object(name, namespace: namespace)?.at("status", "conditions")?.array ?? []
        guard let condition = conditions.first(where: { $0["type"]?.string == type }) else { return nil }
        return "\(condition["status"]?.string ?? "") \(condition["reason"]?.string ?? "")"
    }

    func waitForCondition(_ type: String, _ value: String, of name: String, namespace: String = Cluster.system) async throws {
        try await eventually("\(name) has \(type)=\(value)") {
            try await self.condition(type, of: name, namespace: namespace) == value ? true : nil
        }
    }

    func waitUntilGone(_ name: String, namespace: String = Cluster.system) async throws {
        try await eventually("\(name) is gone") { try await self.exists(name, namespace: namespace) ? nil : true }
    }

    func write(_ text: String, to name: String) throws -> String {
        let path = "\(self.directory)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// What a person would look at first when something is wrong.
    func account() async -> String {
        var text = ""
        for arguments in [
            ["get", "mesh,externalservice,meshtrafficpermission,zoneegress,zoneingress,dataplane,deploy,pods", "-A"],
            [
                "get", "mesh,zoneegress,dataplane,externalservice", "-A", "-o",
                "jsonpath={range .items[*]}{.kind}/{.metadata.name}: {.status}{\"\\n\"}{end}",
            ],
            ["-n", Self.system, "logs", "deploy/egret-control-plane", "--tail=60"],
            ["-n", Self.system, "logs", "deploy/egret-egress", "--tail=60"],
        ] {
            if let result = try? await Command.run(self.kubectlProgram, arguments, environment: self.environment) { text += "\(result)\n" }
        }
        if let log = self.process?.log { text += "development cluster:\n" + log.split(separator: "\n").suffix(60).joined(separator: "\n") }
        return text
    }
}
