import ConfigSync
import ControlPlane
import ControlPlaneAccess
import CurlTransport
import Foundation
import JSONModel
import Logging
import Planning
import ServiceLifecycle
import Store
import Telemetry
import Testing
import ZoneSync

/// A whole global control plane on ports of its own, and requests to it: what people and zones meet.
struct RunningGlobal: Sendable {
    let folder: String
    let registry: MetricsRegistry
    let zonePort: Int
    private let apiPort: Int
    private let proxyPort: Int
    private let ca: String
    private let transport = CurlTransport()

    /// Runs `body` against a global control plane with an empty store.
    static func run(
        logger: Logger = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() },
        _ body: @Sendable @escaping (RunningGlobal) async throws -> Void
    ) async throws {
        let folder = NSTemporaryDirectory() + "egret-global-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var options = GlobalOptions()
        options.storeFile = folder + "/egret.db"
        options.bindAddress = "127.0.0.1"
        (options.zonePort, options.proxyPort, options.diagnosticsPort, options.apiPort, options.apiTLSPort) = (0, 0, 0, 0, 0)
        let (listening, heard) = AsyncStream<(GlobalControlPlane.Server, Int)>.makeStream()
        let registry = MetricsRegistry()
        let controlPlane = try await GlobalControlPlane(options: options, version: "0.0.0", registry: registry, logger: logger) {
            heard.yield(($0, $1))
        }
        let group = ServiceGroup(
            configuration: .init(
                services: controlPlane.services.map { .init(service: $0) },
                logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            var ports: [GlobalControlPlane.Server: Int] = [:]
            for await (server, port) in listening {
                ports[server] = port
                if ports.count == 5 { break }
            }
            do {
                try await body(RunningGlobal(folder: folder, registry: registry, ports: ports))
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private init(folder: String, registry: MetricsRegistry, ports: [GlobalControlPlane.Server: Int]) async throws {
        self.folder = folder
        self.registry = registry
        self.zonePort = ports[.zones] ?? 0
        self.apiPort = ports[.api] ?? 0
        self.proxyPort = ports[.proxies] ?? 0
        self.ca = try await self.transport.send(
            HTTPRequest("GET", "https://127.0.0.1:\(ports[.zones] ?? 0)/v1/ca", tls: TLSSettings(insecureSkipVerify: true), proxy: .none)
        ).text
    }

    // MARK: People

    @discardableResult
    func api(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> RunningUniversal.Answer {
        let response = try await self.transport.send(
            HTTPRequest(method, "http://127.0.0.1:\(self.apiPort)\(path)", body: body.map { Array($0.data) }, proxy: .none))
        return .init(status: response.status, json: (try? JSON(parsing: Data(response.body))) ?? .null)
    }

    func apply(_ resource: JSON) async throws {
        let name = resource["name"]?.string ?? ""
        let path: String =
            switch resource["type"]?.string ?? "" {
            case "Mesh": "/meshes/\(name)"
            case "ExternalService": "/meshes/default/external-services/\(name)"
            case "GlobalSecret": "/global-secrets/\(name)"
            case let other: throw Unknown(kind: other)
            }
        let answer = try await self.api("PUT", path, resource)
        try #require(answer.status < 300, "\(answer.json.text)")
    }

    private struct Unknown: Error { var kind: String }

    /// A token for the control plane of a zone.
    func token(_ zone: String) async throws -> String {
        try await self.issued(["zone": .string(zone), "scope": ["cp"], "validFor": "1h"])
    }

    /// A zone token.
    func issued(_ body: JSON) async throws -> String {
        try await self.transport.send(
            HTTPRequest("POST", "http://127.0.0.1:\(self.apiPort)/tokens/zone", body: Array(body.data), proxy: .none)
        ).text
    }

    /// A control plane of a zone that comes here.
    func zone(
        _ name: String, _ configure: (inout UniversalOptions) -> Void = { _ in },
        _ body: @Sendable @escaping (RunningUniversal) async throws -> Void
    ) async throws {
        let token = try await self.token(name)
        let address = try GlobalControlPlaneAddress("https://127.0.0.1:\(self.zonePort)")
        try await RunningUniversal.run({ options in
            options.zone = name
            options.global = address
            options.globalToken = .text(token)
            configure(&options)
        }) { try await body($0) }
    }

    /// The value of a metric's line that begins like this; 0 where there is none.
    func metric(_ beginning: String) -> Double {
        let line = self.registry.render().split(separator: "\n").first { $0.hasPrefix(beginning) }
        return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
    }

    // MARK: Zones

    func exchange(_ zone: String, identity: String = "one") -> ZoneExchange { ZoneExchange(zone: zone, identity: identity, instance: "i") }

    func openStream(_ target: String, token: String?, toProxies: Bool = false) async throws -> HTTPStream {
        try await self.transport.stream(self.request("GET", target, token, nil, toProxies: toProxies))
    }

    /// Whether a zone gets its stream: 200, or why not.
    func stream(_ zone: String, identity: String = "one", token: String?) async throws -> RunningUniversal.Answer {
        try await self.answer(self.openStream(self.exchange(zone, identity: identity).streamTarget(have: nil), token: token))
    }

    func answer(_ stream: HTTPStream) async throws -> RunningUniversal.Answer {
        guard stream.status != 200 else { return .init(status: 200, json: nil) }
        var body: [UInt8] = []
        for try await chunk in stream.body { body += chunk }
        return .init(status: stream.status, json: try JSON(parsing: Data(body)))
    }

    func report(
        _ zone: String, identity: String = "one", _ outgoing: OutgoingConfig, base: String? = nil, token: String
    ) async throws -> RunningUniversal.Answer {
        let target = self.exchange(zone, identity: identity).reportTarget(base: base)
        let response = try await self.transport.send(self.request("POST", target, token, outgoing.parts.flatMap(\.self)))
        return .init(status: response.status, json: (try? JSON(parsing: Data(response.body))) ?? .null)
    }

    private func request(_ method: String, _ target: String, _ token: String?, _ body: [UInt8]?, toProxies: Bool = false) -> HTTPRequest {
        HTTPRequest(
            method, "https://127.0.0.1:\(toProxies ? self.proxyPort : self.zonePort)\(target)",
            headers: token.map { [HTTPHeader("authorization", "Bearer \($0)")] } ?? [], body: body, tls: TLSSettings(ca: self.ca),
            proxy: .none)
    }
}
