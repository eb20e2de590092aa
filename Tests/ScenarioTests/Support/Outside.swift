import Foundation
import JSONModel
import TestKit
import Testing

/// Servers beyond the mesh, real ones.
struct HTTPSServer: Sendable {
    let process: BackgroundProcess
    let address: String
    let certificate: String

    var requests: Int { self.process.log.split(separator: "\n").count { $0.contains("GET ") } }

    static func with(_ cluster: Cluster, _ body: @Sendable @escaping (HTTPSServer) async throws -> Void) async throws {
        try await self.with(directory: cluster.directory, address: "127.0.8.1", body)
    }

    static func with(
        directory: String, address: String, _ body: @Sendable @escaping (HTTPSServer) async throws -> Void
    ) async throws {
        let (certificate, key) = try await selfSigned(directory, "httpbin.example", "DNS:httpbin.example")
        try await BackgroundProcess.with(
            "\(Repository.root)/hack/https_server.py", [address, certificate, key], logFile: "\(directory)/https.log"
        ) { process in
            let line = try await process.line(containing: "listening on ")
            try await body(
                HTTPSServer(
                    process: process, address: String(line.dropFirst("listening on ".count)),
                    certificate: try String(contentsOfFile: certificate, encoding: .utf8)))
        }
    }

    private static func selfSigned(_ directory: String, _ name: String, _ alternative: String) async throws -> (String, String) {
        let (certificate, key) = ("\(directory)/\(name).pem", "\(directory)/\(name).key")
        try await Command.output(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=\(name)",
                "-addext", "subjectAltName=\(alternative)", "-keyout", key, "-out", certificate,
            ])
        return (certificate, key)
    }
}

/// A service of another zone: `openssl s_server` with a certificate of the mesh for that service.
struct RemoteService: Sendable {
    let address: String
    let port: Int
    /// The mesh's CA certificate, a file.
    let authority: String

    static func with(
        _ cluster: Cluster, mesh: String = "default", service: String, _ body: @Sendable @escaping (RemoteService) async throws -> Void
    ) async throws {
        let directory = cluster.directory
        try await cluster.writeAuthority(of: mesh)
        try Data("subjectAltName=URI:spiffe://\(mesh)/\(service)\nextendedKeyUsage=serverAuth,clientAuth\n".utf8)
            .write(to: URL(fileURLWithPath: "\(directory)/extensions"))
        try await Command.output(
            "openssl",
            [
                "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=\(service)", "-keyout", "\(directory)/service.key", "-out",
                "\(directory)/service.csr",
            ])
        try await Command.output(
            "openssl",
            [
                "x509", "-req", "-in", "\(directory)/service.csr", "-CA", "\(directory)/mesh-cert.pem", "-CAkey",
                "\(directory)/mesh-key.pem", "-CAcreateserial", "-days", "1", "-extfile", "\(directory)/extensions", "-out",
                "\(directory)/service.pem",
            ])
        let port = try await Self.freePort("127.0.9.1")
        try await BackgroundProcess.with(
            "openssl",
            [
                "s_server", "-accept", "127.0.9.1:\(port)", "-cert", "\(directory)/service.pem", "-key", "\(directory)/service.key",
                "-CAfile", "\(directory)/mesh-cert.pem", "-verify", "1", "-www",
            ], logFile: "\(directory)/remote.log"
        ) { process in
            try await process.line(containing: "ACCEPT")
            try await body(RemoteService(address: "127.0.9.1", port: port, authority: "\(directory)/mesh-cert.pem"))
        }
    }

    /// s_server cannot say which port it got.
    static func freePort(_ address: String) async throws -> Int {
        let script = "import socket,sys; s=socket.socket(); s.bind((sys.argv[1],0)); print(s.getsockname()[1])"
        let text = try await Command.output("python3", ["-c", script, address])
        return Int(text.split(separator: "\n").first ?? "") ?? 0
    }
}

extension Cluster {
    /// The mesh's authority as files; returns that of its certificate.
    @discardableResult
    func writeAuthority(of mesh: String = "default") async throws -> String {
        for part in ["cert", "key"] {
            let secret = try await self.object("secret/\(mesh).ca-builtin-\(part)-ca-1")
            let value = secret?.at("data", "value")?.string.flatMap { Data(base64Encoded: $0) } ?? Data()
            try value.write(to: URL(fileURLWithPath: "\(self.directory)/mesh-\(part).pem"))
        }
        return "\(self.directory)/mesh-cert.pem"
    }
}

/// A caller at a workload's outbound, or straight at an egress.
enum Caller {
    static func curl(_ url: String) async throws -> CommandResult {
        try await Command.run("curl", ["-sS", "--fail", "--max-time", "10", url])
    }

    static func waitUntilPasses(_ url: String) async throws {
        try await eventually("\(url) answers", timeout: .seconds(90)) {
            let result = try await self.curl(url)
            guard result.status == 0 else { throw CommandFailed(result: result) }
            return true
        }
    }

    static func waitUntilFails(_ url: String) async throws {
        try await eventually("\(url) fails") { try await self.curl(url).status != 0 ? true : nil }
    }

    /// A TLS handshake at the egress: what `openssl s_client` tells.
    static func hello(_ serverName: String, at address: String, port: Int = 10002, authority: String) async throws -> CommandResult {
        try await Command.run(
            "timeout", ["10", "openssl", "s_client", "-connect", "\(address):\(port)", "-servername", serverName, "-CAfile", authority])
    }
}
