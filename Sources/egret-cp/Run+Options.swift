import ArgumentParser
import ControlPlane
import FoundationEssentials
import ProgramOptions

extension Run: EnvironmentOptions {
    func options() throws -> ControlPlaneOptions {
        var options = ControlPlaneOptions(identity: self.environment["POD_NAME"] ?? self.environment["HOSTNAME"] ?? "egret-cp")
        // Two processes on one machine are two candidates; a pod's name is unique already.
        if self.environment["POD_NAME"] == nil { options.identity += "-\(ProcessInfo.processInfo.processIdentifier)" }
        options.kubeconfig = self.kubeconfig
        options.context = self.context
        options.namespace = self.value(self.namespace, "POD_NAMESPACE", "KUMA_STORE_KUBERNETES_SYSTEM_NAMESPACE") ?? options.namespace
        options.bindAddress = self.value(self.bindAddress, "POD_IP") ?? options.bindAddress
        options.proxyPort = try self.port(self.proxyPort, "EGRET_PROXY_PORT") ?? options.proxyPort
        options.diagnosticsPort = try self.port(self.diagnosticsPort, "KUMA_DIAGNOSTICS_SERVER_PORT") ?? options.diagnosticsPort
        options.electsLeader = self.leaderElect
        return options
    }

    private func port(_ flag: Int?, _ variable: String) throws -> Int? {
        guard let text = self.value(flag.map(String.init), variable) else { return nil }
        guard let port = Int(text), ControlPlaneOptions.isPort(port) else {
            throw ValidationError("the port \"\(text)\" (of the flag or $\(variable)) is not a number from 0 to 65535")
        }
        return port
    }
}
