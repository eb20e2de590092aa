import Foundation
import TestKit
import Testing

extension Cluster {
    /// Runs a scenario in a cluster of its own and takes the cluster away again. A failure prints the cluster's state.
    static func with(
        kubectl: String = Cluster.kubectls[0], _ scenario: @Sendable @escaping (Cluster) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/egret-scenario-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }

        if let kubeconfig = ProcessInfo.processInfo.environment["EGRET_TEST_KUBECONFIG"] {
            let cluster = Cluster(kubeconfig: kubeconfig, directory: directory, kubectlProgram: kubectl)
            try await cluster.run(scenario)
            try await cluster.clean()
            return
        }
        let images = ["egret-cp", "egret-dp"].flatMap { ["--image", "\($0)=\(Repository.program($0))"] }
        if let assets = ProcessInfo.processInfo.environment["KUBEBUILDER_ASSETS"] {
            try await RealAPIServer.with(assets: assets, directory: directory, images: images) { kubeconfig in
                try await Cluster(kubeconfig: kubeconfig, directory: directory, kubectlProgram: kubectl).run(scenario)
            }
            return
        }
        let kubeconfig = "\(directory)/kubeconfig"
        try await BackgroundProcess.with(
            Repository.program("egret-devcluster"), ["up", "--dir", directory] + images, logFile: "\(directory)/devcluster.log"
        ) { process in
            let cluster = Cluster(kubeconfig: kubeconfig, directory: directory, kubectlProgram: kubectl, process: process)
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

    /// Leaves a borrowed cluster as it was found.
    private func clean() async throws {
        _ = try await self.tryHelm("uninstall", "egret", "-n", Self.system, "--wait")
        _ = try await self.tryKubectl("delete", "namespace", Self.system, "demo", "--ignore-not-found", "--wait=true")
        _ = try await self.tryKubectl("delete", "crd", "-l", "app.kubernetes.io/name=egret", "--ignore-not-found")
        _ = try await self.tryKubectl("delete", "clusterrole,clusterrolebinding", "-l", "app.kubernetes.io/name=egret")
    }
}
