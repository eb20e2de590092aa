import ArgumentParser
import ControlPlane
import ControlPlaneAccess
import FoundationEssentials
import MeshModel
import Planning
import ProgramOptions

extension Run: EnvironmentOptions {
    func options() throws -> ControlPlaneOptions {
        if try self.chosenRole() == .global {
            throw ValidationError("--role global needs --mode universal; zones may be of either mode")
        }
        for (flag, isGiven) in [
            ("--global-address", self.globalAddress != nil), ("--global-token-file", self.globalTokenFile != nil),
            ("--global-ca-cert-file", self.globalCaCertFile != nil), ("--zone-port", self.zonePort != nil),
        ]
        where isGiven {
            throw ValidationError(
                "\(flag) is of --mode universal; on Kubernetes the ConfigMap egret-config has globalAddress (kuma.controlPlane.globalAddress "
                    + "in the chart)")
        }
        var options = ControlPlaneOptions(identity: self.environment["POD_NAME"] ?? self.environment["HOSTNAME"] ?? "egret-cp")
        // Two processes on one machine are two candidates; a pod's name is unique already.
        if self.environment["POD_NAME"] == nil { options.identity += "-\(ProcessInfo.processInfo.processIdentifier)" }
        options.kubeconfig = self.kubeconfig
        options.context = self.context
        options.namespace = self.value(self.namespace, "POD_NAMESPACE", "KUMA_STORE_KUBERNETES_SYSTEM_NAMESPACE") ?? options.namespace
        options.bindAddress = self.value(self.bindAddress, "POD_IP") ?? options.bindAddress
        options.proxyPort = try self.port(self.proxyPort, "EGRET_PROXY_PORT") ?? options.proxyPort
        options.diagnosticsPort = try self.port(self.diagnosticsPort, "KUMA_DIAGNOSTICS_SERVER_PORT") ?? options.diagnosticsPort
        options.apiPort = try self.port(self.apiPort, "KUMA_API_SERVER_HTTP_PORT") ?? options.apiPort
        options.apiTLSPort = try self.port(self.apiTlsPort, "KUMA_API_SERVER_HTTPS_PORT") ?? options.apiTLSPort
        options.electsLeader = self.leaderElect
        return options
    }

    func chosenMode() throws -> Mode {
        if let mode { return mode }
        guard let text = self.value(nil, "EGRET_MODE") else { return .kubernetes }
        guard let mode = Mode(rawValue: text) else {
            throw ValidationError("EGRET_MODE is \"\(text)\"; use \(Mode.allCases.map(\.rawValue).joined(separator: " or "))")
        }
        return mode
    }

    func chosenRole() throws -> Role {
        guard let text = self.value(self.role?.rawValue, "EGRET_ROLE") else { return .zone }
        guard let role = Role(rawValue: text) else {
            throw ValidationError("EGRET_ROLE is \"\(text)\"; use \(Role.allCases.map(\.rawValue).joined(separator: " or "))")
        }
        return role
    }

    private func refuseKubernetesFlags() throws {
        for (flag, isGiven) in [
            ("--kubeconfig", self.kubeconfig != nil), ("--context", self.context != nil), ("--namespace", self.namespace != nil),
        ]
        where isGiven {
            throw ValidationError("\(flag) is of --mode kubernetes; leave it out with --mode universal")
        }
    }

    func universalOptions() throws -> UniversalOptions {
        try self.refuseKubernetesFlags()
        if self.zonePort != nil { throw ValidationError("--zone-port is of --role global; leave it out with --role zone") }
        var options = UniversalOptions()
        if let zone = self.value(self.zone, "KUMA_MULTIZONE_ZONE_NAME") {
            do { options.zone = try ZoneName(zone).text } catch { throw ValidationError("--zone is \"\(zone)\": \(error.message)") }
        }
        options.storeFile = self.value(self.storeFile, "EGRET_STORE_FILE") ?? options.storeFile
        options.bindAddress = self.bindAddress ?? options.bindAddress
        options.proxyPort = try self.port(self.proxyPort, "EGRET_PROXY_PORT") ?? options.proxyPort
        options.diagnosticsPort = try self.port(self.diagnosticsPort, "KUMA_DIAGNOSTICS_SERVER_PORT") ?? options.diagnosticsPort
        options.apiPort = try self.port(self.apiPort, "KUMA_API_SERVER_HTTP_PORT") ?? options.apiPort
        options.apiTLSPort = try self.port(self.apiTlsPort, "KUMA_API_SERVER_HTTPS_PORT") ?? options.apiTLSPort
        options.names = self.name
        options.configFile = self.value(self.configFile, "EGRET_CONFIG_FILE")
        options.filesFolder = try self.value(self.filesDir, "EGRET_FILES_DIR").map(self.folder)
        if let address = self.value(self.globalAddress, Self.globalAddressVariable) {
            do { options.global = try GlobalControlPlaneAddress(address) } catch {
                throw ValidationError("--global-address \(error.message)")
            }
        }
        let token = self.value(self.globalTokenFile, "KMESH_MULTIZONE_ZONE_KDS_AUTH_CP_TOKEN_PATH").map(TextSource.file)
        options.globalToken = token ?? self.value(nil, "KMESH_MULTIZONE_ZONE_KDS_AUTH_CP_TOKEN_INLINE").map(TextSource.text)
        options.globalAuthority = self.value(self.globalCaCertFile, "KUMA_MULTIZONE_ZONE_KDS_ROOT_CA_FILE").map(TextSource.file)
        if options.global != nil, options.globalToken == nil {
            throw ValidationError(
                "--global-token-file is missing; the global control plane makes it: egretctl generate zone-token --zone \(options.zone) "
                    + "--scope cp --valid-for 8760h")
        }
        if options.global == nil, self.globalTokenFile != nil || self.globalCaCertFile != nil {
            throw ValidationError("--global-token-file and --global-ca-cert-file are of no use without --global-address")
        }
        return options
    }

    static let globalAddressVariable = "KUMA_MULTIZONE_ZONE_GLOBAL_ADDRESS"

    func globalOptions() throws -> GlobalOptions {
        try self.refuseKubernetesFlags()
        for (flag, isGiven) in [
            ("--zone", self.zone != nil), ("--global-address", self.globalAddress != nil),
            ("--global-token-file", self.globalTokenFile != nil),
            ("--global-ca-cert-file", self.globalCaCertFile != nil),
        ]
        where isGiven {
            throw ValidationError("\(flag) is of --role zone; the global control plane is in no zone and has none above it")
        }
        var options = GlobalOptions()
        options.storeFile = self.value(self.storeFile, "EGRET_STORE_FILE") ?? options.storeFile
        options.bindAddress = self.bindAddress ?? options.bindAddress
        options.zonePort = try self.port(self.zonePort, "KUMA_MULTIZONE_GLOBAL_KDS_GRPC_PORT") ?? options.zonePort
        options.proxyPort = try self.port(self.proxyPort, "EGRET_PROXY_PORT") ?? options.proxyPort
        options.diagnosticsPort = try self.port(self.diagnosticsPort, "KUMA_DIAGNOSTICS_SERVER_PORT") ?? options.diagnosticsPort
        options.apiPort = try self.port(self.apiPort, "KUMA_API_SERVER_HTTP_PORT") ?? options.apiPort
        options.apiTLSPort = try self.port(self.apiTlsPort, "KUMA_API_SERVER_HTTPS_PORT") ?? options.apiTLSPort
        options.names = self.name
        options.configFile = self.value(self.configFile, "EGRET_CONFIG_FILE")
        return options
    }

    /// Resources name files by absolute paths, so the folder is one too.
    private func folder(_ path: String) throws -> String {
        var isFolder = false
        guard path.hasPrefix("/"), FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder else {
            throw ValidationError("--files-dir is \"\(path)\", which is not the absolute path of a folder that is there")
        }
        return path
    }

    private func port(_ flag: Int?, _ variable: String) throws -> Int? {
        guard let text = self.value(flag.map(String.init), variable) else { return nil }
        guard let port = Int(text), ControlPlaneOptions.isPort(port) else {
            throw ValidationError("the port \"\(text)\" (of the flag or $\(variable)) is not a number from 0 to 65535")
        }
        return port
    }
}
