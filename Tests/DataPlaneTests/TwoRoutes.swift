import ConfigSync
import Foundation
import Hummingbird
import Identity
import Logging
import NIOCore
import NIOSSL
import Routing
import TestKit
import Testing
import X509

/// What an egress with a route of each kind is tested with: a control plane that shows its table, a client with a certificate of the
/// mesh, and the servers behind the routes.
struct TwoRoutes: Sendable {
    var control: ScriptedControlPlane
    var folder: TestFolder
    var client: NIOSSLContext
    /// What the egress is shown at first.
    var config: ProxyConfig

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

    static func with(_ body: @escaping @Sendable (TwoRoutes) async throws -> Void) async throws {
        let control = try ScriptedControlPlane()
        let folder = try TestFolder(ca: control.ca, token: "good")
        let key = ProxyKey()
        let leaf = try control.mesh.issue(
            LeafProfile(uris: ["spiffe://default/web"], life: .seconds(3600)), for: key.key.publicKey, now: Date(), serial: .random())
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(leaf.pem.utf8)).map { .certificate($0) }
        configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pem.utf8), format: .pem))
        let client = try NIOSSLContext(configuration: configuration)

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
                let config = Self.config(control, ended: UInt16(ended), passed: passed)
                control.show(config, to: .egress)
                try await body(TwoRoutes(control: control, folder: folder, client: client, config: config))
            }
            group.cancelAll()
        }
    }
}
