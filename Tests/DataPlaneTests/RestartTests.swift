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
    /// `ext.test` ends mesh TLS at the proxy, `pt.test` passes through to a TLS server.
    private static func config(_ control: ScriptedControlPlane, ended: UInt16, passed: UInt16) -> ProxyConfig {
        ProxyConfig(
            listeners: [
                Listener(
                    name: "egress", address: "127.0.0.1", port: 0,
                    kind: .sni(routes: [
                        Route(
                            sni: ["ext.test"],
                            action: .terminate(mesh: "default", callers: CallerRules(allow: ["spiffe://default/*"]), cluster: "ended"),
                            origin: "ExternalService/ext"),
                        Route(sni: ["pt.test"], action: .passthrough(cluster: "passed"), origin: "zone/east"),
                    ]))
            ],
            clusters: [
                Cluster(name: "ended", endpoints: [Endpoint(address: "127.0.0.1", port: ended)]),
                Cluster(name: "passed", endpoints: [Endpoint(address: "127.0.0.1", port: passed)]),
            ],
            trust: [Trust(mesh: "default", ca: control.meshCA)],
            identities: [IdentityRequest(mesh: "default", names: ["spiffe://default/zone-egress"])])
    }

    private struct World: Sendable {
        var control: ScriptedControlPlane
        var folder: TestFolder
        var client: NIOSSLContext

        var state: String { self.folder.path("state") }

        /// A request through the proxy; nil if it is not answered.
        func fetch(_ name: String, from port: UInt16) async -> String? {
            try? await TLSClient.with(self.client, port, name: name) { reading, writer in
                try await writer.write(ByteBuffer(string: "GET / HTTP/1.0\r\nhost: \(name)\r\n\r\n"))
                var text = ""
                while let part = try await reading.next() {
                    text += String(buffer: part)
                    if text.contains("hello") || text.contains("200 ok") { break }
                }
                return text.isEmpty ? nil : text
            }
        }

        func mode(_ name: String) throws -> Int {
            try #require(FileManager.default.attributesOfItem(atPath: self.state + "/" + name)[.posixPermissions] as? Int)
        }
    }

    /// Runs a proxy until it has saved everything, then kills it without warning and takes the control plane away.
    /// - Returns: the control plane's port.
    private func killed(_ world: World, _ arguments: [String], waitingFor file: String) async throws -> Int {
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

    private func withWorld(_ body: @escaping @Sendable (World) async throws -> Void) async throws {
        let control = try ScriptedControlPlane()
        let folder = try TestFolder(ca: control.ca, token: "good")
        let key = ProxyKey()
        let leaf = try control.mesh.issue(
            LeafProfile(uris: ["spiffe://default/web"], life: .seconds(3600)), for: key.key.publicKey, now: Date(), serial: .random())
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(leaf.pem.utf8)).map { .certificate($0) }
        configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pem.utf8), format: .pem))
        let world = World(control: control, folder: folder, client: try NIOSSLContext(configuration: configuration))

        let router = Router()
        router.get("/") { _, _ in "hello" }
        let (ports, announce) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "server")
        logger.logLevel = .critical
        let server = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { announce.yield($0.localAddress!.port!) }, logger: logger)
        try folder.write("server.pem", leaf.pem + key.pem)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await server.run() }
            let ended = try #require(await ports.first { _ in true })
            try await BackgroundProcess.with(
                "openssl", ["s_server", "-accept", "127.0.0.1:0", "-cert", folder.path("server.pem"), "-www"],
                logFile: folder.path("s_server.log")
            ) { process in
                let line = try await process.line(containing: "ACCEPT 127.0.0.1:")
                let passed = try #require(UInt16(line.split(separator: ":").last ?? ""))
                control.show(Self.config(control, ended: UInt16(ended), passed: passed), to: .egress)
                try await body(world)
            }
            group.cancelAll()
        }
    }

    @Test("with saved keys it serves everything, and a control plane that comes back need send nothing")
    func withKeys() async throws {
        try await self.withWorld { world in
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
        try await self.withWorld { world in
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
        try await self.withWorld { world in
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
