import Foundation
import TestKit
import Testing

/// A running `egret-dp`, asked from outside like any proxy.
struct ProxyProcess: Sendable {
    let process: BackgroundProcess
    let admin: String

    static func with<Value: Sendable>(
        _ type: String, controlPlane port: Int, in folder: TestFolder, arguments: [String] = [], log name: String? = nil,
        _ body: @escaping @Sendable (ProxyProcess) async throws -> Value
    ) async throws -> Value {
        let log = folder.path(name ?? "\(type).log")
        let flags = [
            "run", "--proxy-type", type, "--name", "\(type).test", "--cp-address", "https://127.0.0.1:\(port)", "--ca-cert-file",
            folder.path("ca.crt"), "--dataplane-token-file", folder.path("token"), "--admin-port", "0", "--drain-grace", "200ms",
        ]
        return try await BackgroundProcess.with(Repository.program("egret-dp"), flags + arguments, logFile: log) { process in
            let line = try await process.line(containing: "Admin server listening")
            let address = line.components(separatedBy: "admin.address=")[1].trimmingCharacters(in: .whitespaces)
            return try await body(ProxyProcess(process: process, admin: "http://\(address)"))
        }
    }

    func get(_ path: String) async throws -> (status: Int, text: String) {
        let output = try await Command.output("curl", ["-s", "--max-time", "5", "-w", "\n%{http_code}", self.admin + path])
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
        return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
    }

    func waitUntilReady() async throws {
        try await eventually("\(self.admin)/ready is 200") { try await self.get("/ready").status == 200 ? true : nil }
    }

    /// The port of a listener whose configuration leaves the choice to the kernel.
    func port(of listener: String) async throws -> UInt16 {
        let line = try await self.process.line(containing: "listener=\(listener) ")
        return UInt16(line.components(separatedBy: "listener.address=127.0.0.1:")[1].prefix { $0.isNumber })!
    }

    func metric(_ series: String) async throws -> Double {
        let lines = try await self.get("/metrics").text.split(separator: "\n")
        return lines.first { $0.hasPrefix(series + " ") }.flatMap { Double($0.split(separator: " ").last ?? "") } ?? 0
    }
}

/// A folder with what a proxy is started with, removed at the end.
final class TestFolder: Sendable {
    private let url: URL

    init(ca: String, token: String) throws {
        self.url = FileManager.default.temporaryDirectory.appendingPathComponent("egret-dp-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.url, withIntermediateDirectories: true)
        try self.write("ca.crt", ca)
        try self.write("token", token)
    }

    func path(_ name: String) -> String { self.url.appendingPathComponent(name).path }

    func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: self.path(name))) }

    deinit { try? FileManager.default.removeItem(at: self.url) }
}
