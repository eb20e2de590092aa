import Foundation
import TestKit
import Testing

/// What the environment says of the cluster to use.
enum Environment {
    /// Empty counts as absent.
    private static func value(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    static let kubeconfig = value("EGRET_TEST_KUBECONFIG")
    static let auditLog = value("EGRET_TEST_AUDIT_LOG")
    static let assets = value("KUBEBUILDER_ASSETS")
}

extension Cluster {
    /// Runs a scenario in a cluster of its own and takes the cluster away again. A failure prints the cluster's state.
    static func with(
        kubectl: String = Cluster.kubectls[0], _ scenario: @Sendable @escaping (Cluster) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/egret-scenario-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }

        if let kubeconfig = Environment.kubeconfig {
            let cluster = Cluster(
                kubeconfig: kubeconfig, directory: directory, kubectlProgram: kubectl,
                auditLog: Environment.auditLog.map { AuditLog(path: $0) })
            try await cluster.borrowed(scenario)
            return
        }
        let images = ["egret-cp", "egret-dp"].flatMap { ["--image", "\($0)=\(Repository.program($0))"] }
        if let assets = Environment.assets {
            try await RealAPIServer.with(assets: assets, directory: directory, images: images) { server in
                try await Cluster(
                    kubeconfig: server.kubeconfig, directory: directory, kubectlProgram: kubectl, process: server.process,
                    auditLog: AuditLog(path: server.auditLog)
                ).run(scenario)
            }
            return
        }
        let auditLog = "\(directory)/audit.log"
        try await BackgroundProcess.with(
            Repository.program("egret-devcluster"), ["up", "--dir", directory, "--audit-log-path", auditLog] + images,
            logFile: "\(directory)/devcluster.log"
        ) { process in
            let cluster = Cluster(
                kubeconfig: "\(directory)/kubeconfig", directory: directory, kubectlProgram: kubectl, process: process,
                auditLog: AuditLog(path: auditLog))
            try await eventually("the API answers") {
                try await cluster.tryKubectl("get", "--raw", "/readyz").status == 0 ? true : nil
            }
            try await cluster.run(scenario)
        }
    }

    private func run(_ scenario: (Cluster) async throws -> Void) async throws {
        do {
            try await scenario(self)
        } catch {
            print("\(error)\n\(await self.account())")
            throw error
        }
    }

    /// Runs the scenario in a cluster that is not ours, and leaves it as it was found, however the scenario ends.
    private func borrowed(_ scenario: (Cluster) async throws -> Void) async throws {
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await self.run(scenario))
        } catch {
            outcome = .failure(error)
        }
        try await self.clean()
        try outcome.get()
    }

    private func clean() async throws {
        _ = try await self.tryHelm("uninstall", "egret", "-n", Self.system, "--wait")
        // The definitions take their objects along; what the egress's controllers would still make goes with the namespaces.
        let definitions = [
            "meshes", "externalservices", "meshexternalservices", "trafficpermissions", "meshtrafficpermissions", "trafficroutes",
            "meshtcproutes", "meshhttproutes", "meshloadbalancingstrategies", "dataplanes", "zoneegresses", "zoneingresses",
        ]
        for arguments in [
            ["delete", "crd"] + definitions.map { "\($0).kuma.io" },
            ["delete", "namespace", Self.system, "demo", "elsewhere"],
            ["delete", "clusterrole,clusterrolebinding", "-l", "app.kubernetes.io/name=egret"],
        ] {
            try await self.kubectl(arguments + ["--ignore-not-found", "--wait=true", "--timeout=60s"])
        }
    }
}
