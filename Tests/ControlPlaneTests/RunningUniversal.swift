import ConfigSync
import ControlPlane
import CurlTransport
import Foundation
import Identity
import JSONModel
import Logging
import Routing
import ServiceLifecycle
import Synchronization
import Telemetry
import TestKit
import Testing
import Tokens
import X509

/// A whole control plane without Kubernetes on ports of its own, and requests to it: what people and proxies meet.
struct RunningUniversal: Sendable {
    let folder: String
    private let transport = CurlTransport()
    private let ports: [UniversalControlPlane.Server: Int]
    private let ca: String

    /// Runs `body` against a control plane with an empty store.
    static func run(
        _ configure: (inout UniversalOptions) -> Void = { _ in }, logger: Logger = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() },
        _ body: @Sendable @escaping (RunningUniversal) async throws -> Void
    ) async throws {
        let folder = NSTemporaryDirectory() + "egret-running-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var options = UniversalOptions()
        options.zone = "east"
        options.storeFile = folder + "/egret.db"
        options.bindAddress = "127.0.0.1"
        (options.proxyPort, options.diagnosticsPort, options.apiPort, options.apiTLSPort) = (0, 0, 0, 0)
        configure(&options)
        let (listening, heard) = AsyncStream<(UniversalControlPlane.Server, Int)>.makeStream()
        let controlPlane = try await UniversalControlPlane(
            options: options, version: "0.0.0", registry: MetricsRegistry(), logger: logger
        ) { server, port in heard.yield((server, port)) }
        let group = ServiceGroup(
            configuration: .init(
                services: controlPlane.services.map { .init(service: $0) },
                logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            var ports: [UniversalControlPlane.Server: Int] = [:]
            for await (server, port) in listening {
                ports[server] = port
                if ports.count == 4 { break }
            }
            do {
                try await body(RunningUniversal(folder: folder, ports: ports))
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private init(folder: String, ports: [UniversalControlPlane.Server: Int]) async throws {
        self.folder = folder
        self.ports = ports
        let url = "https://127.0.0.1:\(ports[.proxies] ?? 0)/v1/ca"
        self.ca = try await self.transport.send(HTTPRequest("GET", url, tls: TLSSettings(insecureSkipVerify: true), proxy: .none)).text
    }

    struct Answer {
        var status: Int
        var json: JSON
        /// Of problem details: the reason's word.
        var reason: String? { self.json["type"]?.string.flatMap { $0.split(separator: ":").last }.map(String.init) }
        var detail: String { self.json["detail"]?.string ?? "" }
    }

    // MARK: People

    /// As an administrator on this machine, or with what `headers` say.
    @discardableResult
    func api(_ method: String, _ path: String, _ body: JSON? = nil, headers: [HTTPHeader] = []) async throws -> Answer {
        try await self.send(
            HTTPRequest(
                method, "http://127.0.0.1:\(self.ports[.api] ?? 0)\(path)", headers: headers, body: body.map { Array($0.data) },
                proxy: .none))
    }

    func raw(_ method: String, _ path: String, body: String) async throws -> Answer {
        try await self.send(
            HTTPRequest(method, "http://127.0.0.1:\(self.ports[.api] ?? 0)\(path)", body: Array(body.utf8), proxy: .none))
    }

    func issued(_ kind: String, _ body: JSON) async throws -> String {
        let request = HTTPRequest(
            "POST", "http://127.0.0.1:\(self.ports[.api] ?? 0)/tokens/\(kind)", body: Array(body.data), proxy: .none)
        return try await self.transport.send(request).text
    }

    /// Makes a secret, of the mesh or of all.
    func addSecret(_ name: String, mesh: String? = nil, _ text: String) async throws {
        var body: JSON = ["name": .string(name), "data": .string(Data(text.utf8).base64EncodedString())]
        body["type"] = mesh == nil ? "GlobalSecret" : "Secret"
        body["mesh"] = mesh.map(JSON.string)
        let answer = try await self.api("PUT", mesh.map { "/meshes/\($0)/secrets/\(name)" } ?? "/global-secrets/\(name)", body)
        try #require(answer.status < 300, "\(answer.json.text)")
    }

    // MARK: Proxies

    /// Whether a proxy gets its config stream: 200, or why not.
    func stream(_ type: ProxyType = .egress, _ name: String = "zoneegress-1", mesh: String = "", token: String?) async throws -> Answer {
        let stream = try await self.openStream(type, name, mesh: mesh, token: token)
        guard stream.status != 200 else { return Answer(status: 200, json: nil) }
        var body: [UInt8] = []
        for try await chunk in stream.body { body += chunk }
        return Answer(status: stream.status, json: try JSON(parsing: Data(body)))
    }

    func openStream(
        _ type: ProxyType = .egress, _ name: String = "zoneegress-1", mesh: String = "", token: String?
    ) async throws -> HTTPStream {
        let target = StreamRequest(proxyType: type, name: name, mesh: mesh, instance: name).target
        return try await self.transport.stream(self.proxyRequest("GET", target, token: token, body: nil))
    }

    func post(_ path: String, _ body: some Encodable, token: String?) async throws -> Answer {
        try await self.send(self.proxyRequest("POST", path, token: token, body: Array(try JSON(encoding: body).data)))
    }

    /// Brings an egress with it, as egret-dp does.
    func register(_ name: String, token: String, instance: String = "i", port: Int = 10002) async throws -> Answer {
        let egress: JSON = [
            "type": "ZoneEgress", "name": .string(name), "networking": ["address": "127.0.0.9", "port": JSON(port)],
        ]
        return try await self.post(
            Registration.path, Registration(proxyType: .egress, name: name, mesh: "", instance: instance, resource: egress), token: token)
    }

    /// The configuration that a proxy gets when it comes with nothing.
    func config(_ type: ProxyType = .egress, _ name: String, mesh: String = "", token: String) async throws -> ProxyConfig {
        let stream = try await self.openStream(type, name, mesh: mesh, token: token)
        try #require(stream.status == 200)
        var messages = MessageReader(stream)
        return ConfigReading(try await messages.config().text).config
    }

    /// A certificate for `key`, leaf first; nil while there is none.
    func certificate(_ key: ProxyKey, _ name: String, mesh: String = "default", token: String) async throws -> [Certificate]? {
        let csr = key.signingRequest(
            names: ["spiffe://\(mesh)/zone-egress", "kuma://kuma.io/service/zone-egress"], holder: Holder(type: "egress", name: name))
        let answer = try await self.post(
            CertificateRequest.path, CertificateRequest(proxyType: .egress, name: name, mesh: mesh, csr: csr), token: token)
        guard answer.status == 200 else { return nil }
        return try Certificate.bundle(pem: answer.json["chain"]?.string ?? "", what: "the chain")
    }

    private func proxyRequest(_ method: String, _ target: String, token: String?, body: [UInt8]?) -> HTTPRequest {
        HTTPRequest(
            method, "https://127.0.0.1:\(self.ports[.proxies] ?? 0)\(target)",
            headers: token.map { [HTTPHeader("authorization", "Bearer \($0)")] } ?? [], body: body, tls: TLSSettings(ca: self.ca),
            proxy: .none)
    }

    private func send(_ request: HTTPRequest) async throws -> Answer {
        let response = try await self.transport.send(request)
        return Answer(status: response.status, json: (try? JSON(parsing: Data(response.body))) ?? .null)
    }
}
