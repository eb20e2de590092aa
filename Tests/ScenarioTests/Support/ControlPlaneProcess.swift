import Foundation
import JSONModel
import TestKit
import Testing

/// A control plane without Kubernetes on this machine, driven with egretctl: a global one, or one of its zones.
struct ControlPlaneProcess: Sendable {
    let name: String
    let folder: String
    let address: String
    private let network: NetworkNamespace?
    private let arguments: [String]

    /// - Parameter arguments: what makes it one or the other.
    init(_ name: String, folder: String, address: String, _ arguments: [String]) {
        self.name = name
        self.folder = folder
        self.address = address
        self.network = nil
        self.arguments = ["--bind-address", address] + arguments
    }

    /// One that has a machine to itself, and is driven from there.
    init(_ name: String, folder: String, in network: NetworkNamespace, _ arguments: [String]) {
        self.name = name
        self.folder = folder
        self.address = "localhost"
        self.network = network
        self.arguments = arguments
    }

    /// The command line that runs a program beside it.
    private func beside(_ program: String, _ arguments: [String]) -> (program: String, arguments: [String]) {
        self.network?.command(program, arguments) ?? (program, arguments)
    }

    var log: String { (try? String(contentsOfFile: "\(self.folder)/\(self.name).log", encoding: .utf8)) ?? "" }

    /// Runs it over its store, which outlives it, until `body` returns.
    func run<Value: Sendable>(_ body: @Sendable (BackgroundProcess) async throws -> Value) async throws -> Value {
        let (program, arguments) = self.beside(
            Repository.program("egret-cp"),
            ["run", "--mode", "universal", "--store-file", "\(self.folder)/\(self.name).db"] + self.arguments)
        return try await BackgroundProcess.with(program, arguments, logFile: "\(self.folder)/\(self.name).log") { process in
            let (curl, question) = self.beside("curl", ["-sf", "--max-time", "5", "http://\(self.address):5680/readyz"])
            try await eventually("\(self.name) is ready") { try await Command.run(curl, question).status == 0 ? true : nil }
            try await self.egretctl(
                "config", "control-planes", "add", "--name", self.name, "--address", "http://\(self.address):5681", "--overwrite")
            return try await body(process)
        }
    }

    func tryEgretctl(_ arguments: [String], input: String = "") async throws -> CommandResult {
        let (program, arguments) = self.beside(Repository.program("egretctl"), arguments)
        return try await Command.run(
            program, arguments, input: input, environment: ["EGRETCTL_CONFIG": "\(self.folder)/\(self.name).egretctl"])
    }

    @discardableResult
    func egretctl(_ arguments: String..., input: String = "") async throws -> String {
        let result = try await self.tryEgretctl(arguments, input: input)
        guard result.status == 0 else { throw CommandFailed(result: result) }
        return result.output
    }

    func apply(_ yaml: String) async throws { try await self.egretctl("apply", "-f", "-", input: yaml) }

    /// Makes the token by which a zone comes to this global control plane.
    func zoneToken(_ zone: String) async throws -> String {
        let token = try await self.egretctl("generate", "zone-token", "--zone", zone, "--scope", "cp", "--valid-for", "1h")
        let path = "\(self.folder)/\(zone).token"
        try Data(token.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }
}
