import Foundation
import JSONModel
import TestKit
import Testing

/// A zone without Kubernetes: the real programs on this machine, driven as a person drives them, with egretctl.
struct UniversalZone: Sendable {
    let name: String
    /// For files of the test and logs of the programs; removed with the zone.
    let folder: String
    /// The first three numbers of its addresses, 127.x.y. By chance apart, zones side by side on one machine don't meet.
    let net: String
    /// More for the control plane's command line.
    private let arguments: [String]

    var controlPlane: String { "\(self.net).1" }

    private init(name: String, folder: String, arguments: [String]) {
        self.name = name
        self.folder = folder
        self.arguments = arguments
        self.net = "127.\(Int.random(in: 20...219)).\(Int.random(in: 0...255))"
    }

    /// Runs a scenario beside a control plane with an empty store. A failure prints what the programs have said.
    /// - Parameters:
    ///   - global: the control plane that it is a zone of.
    ///   - arguments: more for the control plane's command line.
    static func with(
        name: String = "zone-1", under global: ControlPlaneProcess? = nil, arguments: [String] = [],
        _ scenario: @Sendable @escaping (UniversalZone) async throws -> Void
    ) async throws {
        try await self.with(name: name, under: global, arguments: arguments) { zone, _ in try await scenario(zone) }
    }

    static func with(
        name: String = "zone-1", under global: ControlPlaneProcess? = nil, arguments: [String] = [],
        _ scenario: @Sendable @escaping (UniversalZone, _ controlPlane: BackgroundProcess) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/egret-universal-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var arguments = arguments
        if let global {
            arguments += ["--global-address", "https://\(global.address):5685", "--global-token-file", try await global.zoneToken(name)]
        }
        let zone = UniversalZone(name: name, folder: folder, arguments: arguments)
        do {
            try await zone.withControlPlane { process in
                try await zone.egretctl(
                    "config", "control-planes", "add", "--name", name, "--address", "http://\(zone.controlPlane):5681")
                try await scenario(zone, process)
            }
        } catch {
            print("\(error)\n\(TestLogs.account(of: zone.folder))")
            throw error
        }
    }

    /// Runs the control plane over the zone's store, which outlives it.
    func withControlPlane<Value: Sendable>(_ body: @Sendable (BackgroundProcess) async throws -> Value) async throws -> Value {
        try await BackgroundProcess.with(
            Repository.program("egret-cp"),
            [
                "run", "--mode", "universal", "--zone", self.name, "--bind-address", self.controlPlane, "--store-file",
                "\(self.folder)/egret.db",
            ] + self.arguments, logFile: "\(self.folder)/control-plane.log"
        ) { process in
            try await eventually("the control plane is ready") {
                try await Command.run("curl", ["-sf", "--max-time", "5", "http://\(self.controlPlane):5680/readyz"]).status == 0
                    ? true : nil
            }
            return try await body(process)
        }
    }

    // MARK: People

    @discardableResult
    func egretctl(_ arguments: String..., input: String = "") async throws -> String {
        let result = try await self.tryEgretctl(arguments, input: input)
        guard result.status == 0 else { throw CommandFailed(result: result) }
        return result.output
    }

    func tryEgretctl(_ arguments: [String], input: String = "") async throws -> CommandResult {
        try await Command.run(
            Repository.program("egretctl"), arguments, input: input, environment: ["EGRETCTL_CONFIG": "\(self.folder)/egretctl.config"])
    }

    func apply(_ yaml: String) async throws { try await self.egretctl("apply", "-f", "-", input: yaml) }

    /// A condition of a resource, as the REST API tells it: `status reason`.
    func condition(_ type: String, of kind: String, _ name: String) async throws -> String? {
        let resource = try JSON(parsing: try await self.egretctl("get", kind, name, "-o", "json"))
        return (resource.at("status", "conditions")?.array ?? []).first { $0["type"]?.string == type }.map {
            "\($0["status"]?.string ?? "") \($0["reason"]?.string ?? "")"
        }
    }

    func waitForCondition(_ type: String, _ value: String, of kind: String, _ name: String) async throws {
        try await eventually("\(kind) \(name) has \(type)=\(value)") {
            let found = try await self.condition(type, of: kind, name)
            guard found == value else { throw Other(found: found) }
            return true
        }
    }

    private struct Other: Error { let found: String? }

    // MARK: Proxies

    /// Runs the egress `zoneegress-<number>` by the source document's command line, and waits for it to be online.
    func withEgress<Value: Sendable>(
        _ number: Int = 1, _ body: @Sendable (BackgroundProcess) async throws -> Value
    ) async throws -> Value {
        try await self.withZoneProxy(
            "egress", "{type: ZoneEgress, name: zoneegress-\(number), networking: {address: \(self.net).1\(number), port: 10002}}",
            "zoneegress", "zoneegress-\(number)", body)
    }

    /// Runs the ingress `ingress-<number>`, which other zones reach where it listens, and waits for it to be online.
    /// - Parameter grace: it accepts for this long after it has said that it stops.
    func withIngress<Value: Sendable>(
        _ number: Int = 1, grace: String = "0s", _ body: @Sendable (BackgroundProcess) async throws -> Value
    ) async throws -> Value {
        let address = "\(self.net).2\(number)"
        return try await self.withZoneProxy(
            "ingress",
            "{type: ZoneIngress, name: ingress-\(number), networking: {address: \(address), port: 10001, advertisedAddress: \(address), advertisedPort: 10001}}",
            "zone-ingress", "ingress-\(number)", grace: grace, body)
    }

    private func withZoneProxy<Value: Sendable>(
        _ type: String, _ resource: String, _ kind: String, _ name: String, grace: String = "0s",
        _ body: @Sendable (BackgroundProcess) async throws -> Value
    ) async throws -> Value {
        let token = try await self.write(
            self.egretctl("generate", "zone-token", "--valid-for", "720h", "--scope", type), to: "\(name).token")
        let file = self.write(resource + "\n", to: "\(name).yaml")
        return try await BackgroundProcess.with(
            Repository.program("egret-dp"),
            [
                "run", "--proxy-type=\(type)", "--cp-address=https://\(self.controlPlane):5678", "--dataplane-token-file=\(token)",
                "--dataplane-file=\(file)", "--drain-grace", grace, "--admin-port", "0",
            ], logFile: "\(self.folder)/\(name).log"
        ) { process in
            try await self.waitForCondition("Ready", "True Ready", of: kind, name)
            return try await body(process)
        }
    }

    /// What a zone proxy has counted of connections that it let through.
    func allowed(_ kind: String, _ name: String) async throws -> Int {
        let stats = try await self.egretctl("inspect", kind, name, "--type", "stats")
        return stats.split(separator: "\n").filter { $0.hasPrefix("egret_connections_total") && $0.contains("verdict=\"allowed\"") }
            .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
    }

    /// Runs the proxy of a workload, which takes plaintext at `outbound` for what each outbound names.
    /// - Parameters:
    ///   - inbound: a YAML mapping without tags.
    ///   - outbounds: each a YAML mapping without address: `port: 10080, tags: {kuma.io/service: httpbin}`.
    func withDataplane<Value: Sendable>(
        _ service: String, inbound: String = "port: 8080", outbounds: [String], _ body: @Sendable (BackgroundProcess) async throws -> Value
    ) async throws -> Value {
        let networking = """
            {
              address: \(self.outbound),
              inbound: [{\(inbound), tags: {kuma.io/service: \(service)}}],
              outbound: [\(outbounds.map { "{address: \(self.outbound), \($0)}" }.joined(separator: ", "))]
            }
            """
        return try await self.withDataplane("\(service)-1", of: service, networking: networking, body)
    }

    /// Runs the proxy of a workload and waits for its first configuration.
    /// - Parameters:
    ///   - networking: of its Dataplane, as a YAML mapping.
    ///   - grace: it accepts for this long after it has said that it stops.
    func withDataplane<Value: Sendable>(
        _ name: String, of service: String, mesh: String = "default", networking: String, grace: String = "0s",
        _ body: @Sendable (BackgroundProcess) async throws -> Value
    ) async throws -> Value {
        let token = try await self.egretctl(
            "generate", "dataplane-token", "--mesh", mesh, "--tag", "kuma.io/service=\(service)", "--valid-for", "720h")
        let tokenFile = self.write(token, to: "\(mesh)-\(name).token")
        let file = self.write(
            "{type: Dataplane, mesh: \(mesh), name: \(name), networking: \(networking)}\n", to: "\(mesh)-\(name).yaml")
        return try await BackgroundProcess.with(
            Repository.program("egret-dp"),
            [
                "run", "--proxy-type=dataplane", "--cp-address=https://\(self.controlPlane):5678", "--dataplane-token-file=\(tokenFile)",
                "--dataplane-file=\(file)", "--drain-grace", grace, "--admin-port", "0",
            ], logFile: "\(self.folder)/\(mesh)-\(name).log"
        ) { process in
            try await process.line(containing: "Configuration applied")
            return try await body(process)
        }
    }

    /// Where workloads' proxies take plaintext.
    var outbound: String { "\(self.net).100" }

    func write(_ text: String, to name: String) -> String {
        let path = "\(self.folder)/\(name)"
        try? Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }
}
