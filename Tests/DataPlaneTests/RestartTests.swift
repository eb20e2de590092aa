import ConfigSync
import Foundation
import Hummingbird
import Identity
import Logging
import NIOCore
import NIOSSL
import Routing
import Synchronization
import TestKit
import Testing
import X509

/// Real proxies that are killed and started again while their control plane is away.
@Suite(.serialized, .timeLimit(.minutes(2))) struct RestartTests {
    /// Runs a proxy until it has saved everything, then kills it without warning and takes the control plane away.
    /// - Returns: the control plane's port.
    private func killed(_ world: TwoRoutes, _ arguments: [String], waitingFor file: String) async throws -> Int {
        try await world.control.serve { port in
            try await ProxyProcess.with("egress", controlPlane: port, in: world.folder, arguments: arguments, log: "first.log") { egress in
                try await egress.waitUntilReady()
                let listener = try await egress.port(of: "egress")
                #expect(await world.fetch("ext.test", from: listener)?.contains("hello") == true)
                #expect(await world.fetch("pt.test", from: listener)?.contains("200 ok") == true)
                try await eventually("\(file) is saved") { FileManager.default.fileExists(atPath: "\(world.state)/\(file)") ? true : nil }
                egress.process.send(SIGKILL)
            }
            return port
        }
    }

    @Test("with saved keys it serves everything, and a control plane that comes back need send nothing")
    func withKeys() async throws {
        try await TwoRoutes.with { world in
            let flags = ["--state-dir", world.state, "--save-keys"]
            let port = try await self.killed(world, flags, waitingFor: "identities")
            #expect(try world.mode("config") == 0o600)
            #expect(try world.mode("identities") == 0o600)
            try await ProxyProcess.with("egress", controlPlane: port, in: world.folder, arguments: flags, log: "second.log") { egress in
                try await egress.waitUntilReady()
                let listener = try await egress.port(of: "egress")
                #expect(await world.fetch("ext.test", from: listener)?.contains("hello") == true)
                #expect(await world.fetch("pt.test", from: listener)?.contains("200 ok") == true)
                try await egress.process.line(containing: "Serving the configuration of before the restart")
                #expect(!egress.process.log.contains("PRIVATE KEY"))

                let (sent, hash) = world.control.state.withLock { ($0.sent, $0.configs[.egress]!.hash) }
                try await world.control.serve(port: port) { _ in
                    try await eventually("the proxy says what it has") {
                        world.control.state.withLock { $0.have.last == hash } ? true : nil
                    }
                    try await eventually("a fresh certificate is signed") { world.control.state.withLock { $0.signed >= 2 } ? true : nil }
                    #expect(world.control.state.withLock { $0.sent } == sent)
                    #expect(await world.fetch("ext.test", from: listener)?.contains("hello") == true)
                }
            }
        }
    }

    @Test("without saved keys it passes TLS through, refuses what it would have to end, says so, and mends by itself")
    func withoutKeys() async throws {
        try await TwoRoutes.with { world in
            let flags = ["--state-dir", world.state]
            let port = try await self.killed(world, flags, waitingFor: "config")
            #expect(!FileManager.default.fileExists(atPath: world.state + "/identities"))
            try await ProxyProcess.with("egress", controlPlane: port, in: world.folder, arguments: flags, log: "second.log") { egress in
                try await egress.waitUntilReady()
                let listener = try await egress.port(of: "egress")
                #expect(await world.fetch("pt.test", from: listener)?.contains("200 ok") == true)
                #expect(await world.fetch("ext.test", from: listener) == nil)
                let line = try await egress.process.line(containing: "Without its certificates this proxy passes TLS through")
                #expect(line.contains("WARN") && line.contains("--save-keys"))
                try await world.control.serve(port: port) { _ in
                    _ = try await eventually("the proxy ends TLS again") { await world.fetch("ext.test", from: listener) }
                }
            }
        }
    }

    @Test("state that is damaged, somebody else's or open to others is named with how to mend it, and passed over")
    func unusable() async throws {
        try await TwoRoutes.with { world in
            let flags = ["--state-dir", world.state, "--save-keys"]
            let port = try await self.killed(world, flags, waitingFor: "identities")
            let config = try Data(contentsOf: URL(fileURLWithPath: world.state + "/config"))
            func start(_ log: String, says sentence: String, _ more: [String] = []) async throws {
                let arguments = flags + more
                try await ProxyProcess.with("egress", controlPlane: port, in: world.folder, arguments: arguments, log: log) { egress in
                    let line = try await egress.process.line(containing: sentence)
                    #expect(line.contains("WARN  Saved state is not used"))
                    #expect(try await egress.get("/ready").status == 503)
                }
            }
            try await start("other.log", says: "is of the egress proxy egress.test, this is egress other", ["--name", "other"])
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: world.state + "/config")
            try FileManager.default.setAttributes([.posixPermissions: 0o604], ofItemAtPath: world.state + "/identities")
            try await start("open.log", says: "/config may be read or written by others (mode 640); chmod 600 it, or delete it")
            try await start("open-key.log", says: "/identities may be read or written by others (mode 604); chmod 600 it, or delete it")
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: world.state + "/config")
            try config.dropLast(100).write(to: URL(fileURLWithPath: world.state + "/config"))
            try await start("cut.log", says: "/config is damaged: it ends too early")
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: world.state + "/identities")
            try Data("{}".utf8).write(to: URL(fileURLWithPath: world.state + "/identities"))
            try await start("keys.log", says: "/identities is damaged: it is not as this program writes it")
        }
    }
}
