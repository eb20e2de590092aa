import Foundation
import Routing
import TestKit
import Testing

@testable import Relay

/// The real programs on both ends, and the name as a mesh sends it.
@Suite("openssl through the engine")
struct OpenSSLTests {
    private static let name = "backend{mesh=default}"

    /// A server with a certificate of its own behind an engine that passes `name` through.
    private func withServer(_ body: @Sendable (EngineFixture, UInt16) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "egret-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let key = folder.appending(path: "key.pem").path
        let certificate = folder.appending(path: "cert.pem").path
        try await Command.output(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj",
                "/CN=the-backend",
                "-keyout", key, "-out", certificate,
            ])
        try await BackgroundProcess.with(
            "openssl", ["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-rev"],
            logFile: folder.appending(path: "server.log").path
        ) { server in
            // "ACCEPT 127.0.0.1:40123 PID=…": the port the kernel chose.
            let line = try await server.line(containing: "ACCEPT 127.0.0.1:")
            let port = try #require(UInt16(line.drop { $0 != ":" }.dropFirst().prefix { $0.isNumber }))
            let config = ProxyConfig.passthrough([Self.name], to: [Endpoint(address: "127.0.0.1", port: port)])
            try await EngineFixture.run(config) { (fixture) async throws in try await body(fixture, fixture.port) }
        }
    }

    @Test("the server's own certificate is seen end to end, and what is said comes back reversed")
    func endToEnd() async throws {
        try await self.withServer { fixture, port in
            let client = try await Command.run(
                "openssl", ["s_client", "-connect", "127.0.0.1:\(port)", "-servername", Self.name, "-quiet"], input: "egret\nCLOSE\n")
            #expect(client.errors.contains("CN = the-backend"))
            #expect(client.output.contains("terge"))
            let record = try await fixture.record()
            #expect(record.serverName == Self.name)
            #expect(record.verdict == .allowed)
        }
    }

    @Test("another name gets the alert that openssl calls unrecognized name")
    func refused() async throws {
        try await self.withServer { fixture, port in
            let client = try await Command.run(
                "openssl", ["s_client", "-connect", "127.0.0.1:\(port)", "-servername", "other{mesh=default}"], input: "")
            #expect(client.errors.contains("unrecognized name"))
            #expect(client.status == 1)
            #expect(try await fixture.record().verdict == .refused(.noRoute))
        }
    }
}
