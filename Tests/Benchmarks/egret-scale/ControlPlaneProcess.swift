import CurlTransport
import Foundation
import JSONModel

/// A running `egret-cp` over a store.
final class ControlPlaneProcess: Sendable {
    let pid: Int32
    let proxyURL: String
    private let apiURL: String
    private let metricsURL: String
    private let transport = CurlTransport()

    private init(pid: Int32, proxyURL: String, apiURL: String, metricsURL: String) {
        self.pid = pid
        self.proxyURL = proxyURL
        self.apiURL = apiURL
        self.metricsURL = metricsURL
    }

    static func with<Value>(
        _ program: String, store: String, log: String, _ body: (ControlPlaneProcess) async throws -> Value
    ) async throws -> Value {
        try Data().write(to: URL(fileURLWithPath: log))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = [
            "run", "--mode", "universal", "--store-file", store, "--bind-address", "127.0.0.1", "--proxy-port", "0", "--api-port", "0",
            "--api-tls-port", "0", "--diagnostics-port", "0",
        ]
        let output = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        process.standardOutput = output
        process.standardError = output
        try process.run()
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        func port(_ words: String...) async throws -> Int {
            for _ in 0..<3000 {
                let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                for line in text.split(separator: "\n") where words.allSatisfy({ line.contains($0) }) {
                    if let field = line.split(separator: " ").first(where: { $0.hasPrefix("port=") }), let port = Int(field.dropFirst(5)) {
                        return port
                    }
                }
                guard process.isRunning else { throw Failed(description: "egret-cp ended:\n\(text)") }
                try await Task.sleep(for: .milliseconds(20))
            }
            throw Failed(description: "egret-cp does not say \"\(words[0])\"")
        }
        let cp = ControlPlaneProcess(
            pid: process.processIdentifier, proxyURL: "https://127.0.0.1:\(try await port("Serving proxies"))",
            apiURL: "http://127.0.0.1:\(try await port("Serving the API", "tls=false"))",
            metricsURL: "http://127.0.0.1:\(try await port("Serving probes and metrics"))/metrics")
        return try await body(cp)
    }

    /// Text of `/proc/PID/NAME`.
    private func kernel(_ name: String) -> String { (try? String(contentsOfFile: "/proc/\(self.pid)/\(name)", encoding: .utf8)) ?? "" }

    var residentBytes: Int {
        let line = self.kernel("status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").dropLast().last.flatMap { Int($0) } ?? 0) * 1024
    }

    /// User and system.
    var processorTime: Duration {
        // Behind the name, which may hold anything: state is field 3, utime 14, stime 15, in ticks of 10 ms.
        let fields = self.kernel("stat").split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return .zero }
        return .milliseconds(10 * (user + system))
    }

    /// Returns when the process has used next to no processor time for a second.
    func waitUntilIdle() async throws {
        var quiet = 0
        var before = self.processorTime
        while quiet < 5 {
            try await Task.sleep(for: .milliseconds(200))
            let now = self.processorTime
            quiet = now - before <= .milliseconds(20) ? quiet + 1 : 0
            before = now
        }
    }

    func put(_ path: String, _ body: JSON) async throws { _ = try await self.call("PUT", path, body) }

    func zoneToken() async throws -> String {
        try await self.call("POST", "/tokens/zone", ["zone": "default", "scope": ["egress"], "validFor": "24h"])
    }

    private func call(_ method: String, _ path: String, _ body: JSON) async throws -> String {
        let response = try await self.transport.send(
            HTTPRequest(
                method, self.apiURL + path, headers: [HTTPHeader("content-type", "application/json")], body: Array(body.data), proxy: .none)
        )
        guard response.isSuccess else { throw Failed(description: "\(method) \(path): \(response.status) \(response.text)") }
        return response.text
    }

    /// Of configurations, so far.
    func sentBytes() async throws -> Int {
        let text = try await self.transport.send(HTTPRequest("GET", self.metricsURL, proxy: .none)).text
        return text.split(separator: "\n").filter { $0.hasPrefix("egret_cp_config_bytes_sent_total{") }
            .reduce(0) { $0 + (Int(Double($1.split(separator: " ").last ?? "") ?? 0)) }
    }
}
