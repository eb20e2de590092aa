import ArgumentParser
import ConfigSync
import ControlPlaneAccess
import DataPlane
import FoundationEssentials
import JSONModel
import MeshModel
import ProgramOptions

/// Flags and environment as values, with one sentence for whatever makes no sense.
extension Run: EnvironmentOptions {
    func options() throws -> DataPlaneOptions {
        let type = try self.type()
        let mesh = type == .dataplane ? self.value(self.mesh, "KUMA_DATAPLANE_MESH") ?? "default" : ""
        let adminPort = try self.number(self.adminPort, "--admin-port", nil, 0...65535)
        var options: DataPlaneOptions
        if let file = self.value(self.staticConfig, "EGRET_STATIC_CONFIG") {
            guard self.stateDir == nil else {
                throw ValidationError("--state-dir is for proxies of a control plane; leave it out with --static-config")
            }
            guard self.cpAddress == nil, self.dataplaneToken == nil, self.dataplaneTokenFile == nil, self.caCertFile == nil else {
                throw ValidationError("--static-config runs without a control plane; leave out its address, CA and token")
            }
            // Nobody is told the name; it stands in the log only.
            let name = (try? self.proxyName()) ?? type.rawValue
            options = DataPlaneOptions(proxyType: type, name: name, mesh: mesh, source: .file(file), adminPort: adminPort)
        } else {
            let resource = try self.resource(for: type)
            options = DataPlaneOptions(
                proxyType: type, name: try resource?.name ?? self.proxyName(), mesh: resource.map { $0.mesh ?? "" } ?? mesh,
                source: .controlPlane(try self.controlPlane()),
                adminPort: adminPort ?? resource?.spec.at("networking", "admin", "port")?.int)
            options.resource = resource?.universal
        }
        options.stateFolder = self.value(self.stateDir, "EGRET_STATE_DIR")
        options.savesKeys = self.saveKeys || self.value(nil, "EGRET_SAVE_KEYS") == "true"
        if self.saveKeys, options.stateFolder == nil {
            throw ValidationError("--save-keys needs a folder to keep the keys in; give --state-dir")
        }
        options.ownAddress = self.value(nil, "POD_IP")
        // 0: there is none beside the admin server's, as in Kuma.
        options.readinessPort = try self.number(nil, "KUMA_READINESS_PORT", "KUMA_READINESS_PORT", 0...65535).flatMap { $0 == 0 ? nil : $0 }
        options.drainTime = try self.duration(self.drainTime, "--drain-time", "KUMA_DATAPLANE_DRAIN_TIME") ?? options.drainTime
        options.helloTimeout = try self.duration(self.helloTimeout, "--hello-timeout", "EGRET_HELLO_TIMEOUT") ?? options.helloTimeout
        options.maxHelloBytes =
            try self.number(self.maxHelloBytes, "--max-hello-bytes", "EGRET_MAX_HELLO_BYTES", 512...65536) ?? options.maxHelloBytes
        options.memoryLimit = try self.bytes(self.memoryLimit, "--memory-limit", "EGRET_MEMORY_LIMIT")
        options.drainGrace = try self.duration(self.drainGrace, "--drain-grace", "EGRET_DRAIN_GRACE") ?? options.drainGrace
        options.concurrency = try self.number(
            self.concurrency, "--concurrency", "KUMA_DATAPLANE_RUNTIME_CONCURRENCY", 1...1024)
        return options
    }

    private func type() throws -> ProxyType {
        guard let text = self.value(self.proxyType, "KUMA_DATAPLANE_PROXY_TYPE") else { return .dataplane }
        guard let type = ProxyType(rawValue: text) else {
            let known = ProxyType.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("the proxy type \"\(text)\" is not one of \(known)")
        }
        return type
    }

    private func proxyName() throws -> String {
        if let name = self.value(self.name, "KUMA_DATAPLANE_NAME") { return name }
        if let pod = self.value(nil, "POD_NAME"), let namespace = self.value(nil, "POD_NAMESPACE") { return "\(pod).\(namespace)" }
        throw ValidationError("the proxy has no name; give it with --name or KUMA_DATAPLANE_NAME, or a resource with --dataplane-file")
    }

    private func controlPlane() throws -> ControlPlaneAddress {
        var url = self.value(self.cpAddress, "KUMA_CONTROL_PLANE_URL") ?? "https://localhost:5678"
        while url.hasSuffix("/") { url.removeLast() }
        let parsed = URL(string: url)
        guard let parsed, parsed.scheme?.lowercased() == "https", let host = parsed.host(), !host.isEmpty, parsed.query() == nil else {
            throw ValidationError("the control plane's address \"\(url)\" is no URL like https://egret-control-plane.kuma-system:5678")
        }
        var address = ControlPlaneAddress(url: url, skipVerify: self.skipVerify)
        if let file = self.value(self.caCertFile, "KUMA_CONTROL_PLANE_CA_CERT_FILE") {
            address.ca = .file(file)
        } else if let text = self.value(nil, "KUMA_CONTROL_PLANE_CA_CERT") {
            address.ca = .text(text)
        }
        if self.dataplaneToken != nil, self.dataplaneTokenFile != nil {
            throw ValidationError("--dataplane-token and --dataplane-token-file exclude each other; give one")
        }
        if let token = self.dataplaneToken {
            address.token = .text(token)
        } else if let file = self.value(self.dataplaneTokenFile, "KUMA_DATAPLANE_RUNTIME_TOKEN_PATH") {
            address.token = .file(file)
        } else if let token = self.value(nil, "KUMA_DATAPLANE_RUNTIME_TOKEN") {
            address.token = .text(token)
        } else {
            throw ValidationError(
                "the proxy has no token; give a file with --dataplane-token-file or KUMA_DATAPLANE_RUNTIME_TOKEN_PATH")
        }
        return address
    }

    private func duration(_ flag: String?, _ flagName: String, _ variable: String) throws -> Duration? {
        guard let text = self.value(flag, variable) else { return nil }
        guard let duration = KumaDuration.parse(text) else {
            throw ValidationError("\(flag == nil ? variable : flagName) is \"\(text)\", which is no time like 30s, 500ms or 2m")
        }
        return duration
    }

    private func bytes(_ flag: String?, _ flagName: String, _ variable: String) throws -> UInt64? {
        guard let text = self.value(flag, variable) else { return nil }
        let units: [Substring: Int] = ["": 0, "Ki": 10, "Mi": 20, "Gi": 30]
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let unit = units[text.dropFirst(digits.count)], let number = UInt64(digits), number <= (1 << 40) >> unit,
            number << unit >= 1 << 24
        else {
            throw ValidationError("\(flag == nil ? variable : flagName) is \"\(text)\", which is no size like 512Mi (16Mi at least)")
        }
        return number << unit
    }

    private func number(_ flag: Int?, _ flagName: String, _ variable: String?, _ range: ClosedRange<Int>) throws -> Int? {
        let text = flag.map(String.init) ?? variable.flatMap { self.value(nil, $0) }
        guard let text else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let name = flag == nil ? variable ?? flagName : flagName
            throw ValidationError("\(name) is \"\(text)\"; use a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
