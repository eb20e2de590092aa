import Foundation
import TestKit
import Testing

/// A zone of plain processes: a control plane with a file of its own, and a server outside that answers with what it hears.
struct Zone: Sendable {
    let directory: String
    /// The first three parts of its addresses.
    let net: String
    /// `address:port` of the server.
    let echo: String

    static func with(_ body: @Sendable @escaping (Zone) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/egret-zone-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let net = "127.\(Int.random(in: 20...220)).\(Int.random(in: 0...255))"
        try await BackgroundProcess.with("python3", ["-c", Self.server, "\(net).9"], logFile: "\(directory)/echo.log") { server in
            let port = try await server.line(containing: "port ").split(separator: " ").last ?? ""
            let zone = Zone(directory: directory, net: net, echo: "\(net).9:\(port)")
            let arguments = [
                "run", "--mode=universal", "--zone=zone-1", "--bind-address=\(net).1", "--store-file=\(directory)/egret.db",
            ]
            try await BackgroundProcess.with(
                Repository.program("egret-cp"), arguments, logFile: "\(directory)/cp.log"
            ) { controlPlane in
                try await controlPlane.line(containing: "port=5681")
                try await controlPlane.line(containing: "port=5678")
                try await zone.egretctl("config", "control-planes", "add", "--name", "zone", "--address", "http://\(net).1:5681")
                do { try await body(zone) } catch {
                    print(controlPlane.log)
                    throw error
                }
            }
        }
    }

    func tryEgretctl(input: String = "", _ arguments: String...) async throws -> CommandResult {
        try await Command.run(
            Repository.program("egretctl"), arguments, input: input, environment: ["EGRETCTL_CONFIG": "\(self.directory)/egretctl"])
    }

    @discardableResult
    func egretctl(_ arguments: String..., input: String = "") async throws -> String {
        try await Command.output(
            Repository.program("egretctl"), arguments, input: input, environment: ["EGRETCTL_CONFIG": "\(self.directory)/egretctl"])
    }

    func apply(_ documents: String) async throws { try await self.egretctl("apply", "-f", "-", input: documents) }

    /// An egress that brings its resource, once it serves.
    func egress(_ number: Int, _ body: @Sendable @escaping (BackgroundProcess) async throws -> Void) async throws {
        let resource = """
            type: ZoneEgress
            name: zoneegress-\(number)
            networking: {address: \(self.net).1\(number), port: 10002}
            """
        let token = try await self.egretctl("generate", "zone-token", "--valid-for", "1h", "--scope", "egress")
        try await self.proxy("zoneegress-\(number)", type: "egress", resource: resource, token: token, body)
    }

    /// A workload's proxy with an outbound to the server.
    func workload(_ body: @Sendable @escaping (BackgroundProcess) async throws -> Void) async throws {
        let resource = """
            type: Dataplane
            mesh: default
            name: web-1
            networking:
              address: \(self.net).20
              inbound: [{port: 8080, tags: {kuma.io/service: web}}]
              outbound: [{address: \(self.net).20, port: 10080, tags: {kuma.io/service: echo}}]
            """
        let token = try await self.egretctl(
            "generate", "dataplane-token", "--mesh", "default", "--tag", "kuma.io/service=web", "--valid-for", "1h")
        try await self.proxy("web-1", type: "dataplane", resource: resource, token: token, body)
    }

    private func proxy(
        _ name: String, type: String, resource: String, token: String, _ body: @Sendable @escaping (BackgroundProcess) async throws -> Void
    ) async throws {
        let (file, tokenFile) = ("\(self.directory)/\(name).yaml", "\(self.directory)/\(name).token")
        try Data(resource.utf8).write(to: URL(fileURLWithPath: file))
        try Data(token.utf8).write(to: URL(fileURLWithPath: tokenFile))
        let arguments = [
            "run", "--proxy-type=\(type)", "--cp-address=https://\(self.net).1:5678", "--dataplane-token-file=\(tokenFile)",
            "--dataplane-file=\(file)", "--admin-port=0", "--drain-grace=2s",
        ]
        try await BackgroundProcess.with(
            Repository.program("egret-dp"), arguments, logFile: "\(self.directory)/\(name).log"
        ) { process in
            try await process.line(containing: "Configuration applied")
            try await body(process)
        }
    }

    /// A proxy that has its settings from the environment, as Kuma's has them, once it serves.
    func start(
        _ environment: [String: String], _ name: String, _ resource: String, token: String, _ arguments: [String] = [],
        _ body: @Sendable @escaping (BackgroundProcess) async throws -> Void
    ) async throws {
        try await self.startRefused(environment, name, resource, token: token, arguments) { process in
            try await process.line(containing: "Configuration applied")
            try await body(process)
        }
    }

    /// The same, which is not expected to serve.
    func startRefused(
        _ environment: [String: String], _ name: String, _ resource: String, token: String, _ arguments: [String] = [],
        _ body: @Sendable @escaping (BackgroundProcess) async throws -> Void
    ) async throws {
        let file = "\(self.directory)/\(name).yaml"
        try Data(resource.utf8).write(to: URL(fileURLWithPath: file))
        let settings = [
            "KUMA_CONTROL_PLANE_URL": "https://\(self.net).1:5678", "KUMA_DATAPLANE_RUNTIME_TOKEN": token,
            "KUMA_DATAPLANE_RUNTIME_RESOURCE_PATH": file,
        ]
        try await BackgroundProcess.with(
            Repository.program("egret-dp"), ["run", "--admin-port=0", "--drain-grace=200ms"] + arguments,
            logFile: "\(self.directory)/\(name).log", environment: settings.merging(environment) { $1 }
        ) { process in
            do { try await body(process) } catch {
                print(process.log)
                throw error
            }
        }
    }

    // MARK: Clients

    /// One connection through the workload's proxy that says something ten times a second and hears it back.
    func talk(seconds: Double) async throws -> CommandResult {
        try await Command.run("python3", ["-c", Self.talker, "\(self.net).20", "\(seconds)"])
    }

    /// A new connection twenty times a second; fails when one of them does.
    func comeAndGo(seconds: Double) async throws -> CommandResult {
        try await Command.run("python3", ["-c", Self.comer, "\(self.net).20", "\(seconds)"])
    }

    private static let server = """
        import socket, sys, threading
        listener = socket.create_server((sys.argv[1], 0))
        print("port", listener.getsockname()[1], flush=True)
        def serve(client):
            with client:
                while data := client.recv(65536): client.sendall(data)
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        """

    private static let talker = """
        import socket, sys, time
        end = time.monotonic() + float(sys.argv[2])
        with socket.create_connection((sys.argv[1], 10080), timeout=10) as connection:
            count = 0
            while True:
                word = b"%08d" % count
                connection.sendall(word)
                heard = b""
                while len(heard) < len(word):
                    part = connection.recv(len(word) - len(heard))
                    if not part: sys.exit("cut after %d words" % count)
                    heard += part
                if heard != word: sys.exit("heard %r for %r" % (heard, word))
                count += 1
                if time.monotonic() >= end: break
                time.sleep(0.1)
        print(count, "words")
        """

    private static let comer = """
        import socket, sys, time
        end = time.monotonic() + float(sys.argv[2])
        count = 0
        while time.monotonic() < end:
            with socket.create_connection((sys.argv[1], 10080), timeout=10) as connection:
                connection.sendall(b"hello")
                heard = connection.recv(5)
                if heard != b"hello": sys.exit("heard %r on connection %d" % (heard, count))
            count += 1
            time.sleep(0.05)
        print(count, "connections")
        """
}
