import ConfigSync
import ControlPlane
import CurlTransport
import Foundation
import Identity
import JSONModel
import Logging
import Planning
import Routing
import ServiceLifecycle
import Telemetry
import Testing

/// A running proxy-facing server and a client that trusts it.
struct Served: Sendable {
    let hub = ConfigHub(presence: Presence())
    let book = AcknowledgementBook()
    let lines = Lines()
    let authority: CertificateAuthority
    private let transport = CurlTransport()
    private var base = ""
    private let tls: TLSSettings

    /// Runs `body` against a server on a free port, and stops the server with grace: open streams end by themselves.
    static func run(authenticator: any ProxyAuthenticator = Doorman(), _ body: @Sendable @escaping (Served) async throws -> Void)
        async throws
    {
        let now = Date()
        let serving = try ServingCertificate.make(dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"], now: now)
        let authority = try CertificateAuthority.makeBuiltin(
            mesh: "default", key: try KeyKind.p256.makeKey(), life: .seconds(3600), now: now, serial: .random())
        let (ports, listening) = AsyncStream<Int>.makeStream()
        let draft = Served(authority: authority, serving: serving)
        let logger = Logger(label: "test") { _ in draft.lines.handler }
        let server = ProxyServer(
            address: .init(host: "127.0.0.1", port: 0), identity: try ServingIdentity(serving), authenticator: authenticator,
            hub: draft.hub,
            acknowledgements: draft.book, metrics: ProxyMetrics(MetricsRegistry()), logger: logger
        ) { port in listening.yield(port) }
        let group = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: Logger(label: "quiet")))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            var served = draft
            served.base = "https://localhost:\(port)"
            do { try await body(served) } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private init(authority: CertificateAuthority, serving: ServingCertificate) {
        self.authority = authority
        self.tls = TLSSettings(ca: serving.authority.certificate.pem)
    }

    static func config(port: UInt16, padding: Int = 0) -> ProxyConfig {
        ProxyConfig(
            listeners: [.init(name: String(repeating: "x", count: padding), address: "127.0.0.1", port: port, kind: .sni(routes: []))],
            // Some content, so that a change of the port is a small part of it.
            clusters: (0..<10).map { Cluster(name: "c\($0)", endpoints: [Endpoint(address: "192.0.2.1", port: 443)]) },
            identities: [.init(mesh: "default", names: ["spiffe://default/web"])])
    }

    static func text(port: UInt16) -> ConfigText {
        var encoder = ConfigEncoder()
        return encoder.encode(self.config(port: port)).text
    }

    func publish(port: UInt16, padding: Int = 0) {
        self.hub.publish(OneConfig(config: Self.config(port: port, padding: padding), authority: self.authority))
    }

    func stream(have: String?) async throws -> HTTPStream {
        let request = StreamRequest(proxyType: .dataplane, name: "web-1.shop", mesh: "default", instance: "a", have: have)
        return try await self.transport.stream(self.request("GET", request.target, token: "good", body: nil))
    }

    func get(_ target: String, token: String?) async throws -> HTTPResponse {
        try await self.transport.send(self.request("GET", target, token: token, body: nil))
    }

    func post(_ path: String, _ body: JSON) async throws -> HTTPResponse {
        try await self.transport.send(self.request("POST", path, token: "good", body: Array(body.data)))
    }

    func request(mesh: String = "default", csr: String) throws -> JSON {
        try JSON(encoding: CertificateRequest(proxyType: .dataplane, name: "web-1.shop", mesh: mesh, csr: csr))
    }

    private func request(_ method: String, _ target: String, token: String?, body: [UInt8]?) -> HTTPRequest {
        HTTPRequest(
            method, self.base + target, headers: token.map { [HTTPHeader("authorization", "Bearer \($0)")] } ?? [], body: body,
            tls: self.tls, proxy: .none)
    }
}

/// Knows one token, and that nobody here is an egress.
private struct Doorman: ProxyAuthenticator {
    var home: Home { .kubernetes }

    func authenticate(token: String, as proxy: ProxyClaim) async throws(AccessRefusal) {
        guard token == "good" else { throw AccessRefusal(.tokenRejected, "Kubernetes does not accept the token: it is not valid") }
    }

    func authorize(_ proxy: ProxyClaim, token: String) throws(AccessRefusal) {
        guard proxy.id.kind == .dataplane else { throw AccessRefusal(.notAnEgress, "you are no egress") }
    }
}

private struct OneConfig: ProxyWorld {
    var config: ProxyConfig
    var authority: CertificateAuthority

    func config(for proxy: ProxyID) -> ProxyConfig? { self.config }

    func generation(ofAuthority key: String, in mesh: String) -> Int? { key == self.authority.certificate.ownKey ? 1 : nil }

    func grant(for proxy: ProxyID, mesh: String) throws(AccessRefusal) -> CertificateGrant {
        guard let identity = self.config.identities.first(where: { $0.mesh == mesh }) else {
            throw AccessRefusal(.noIdentity, "no identity in mesh \(mesh)")
        }
        return CertificateGrant(profile: LeafProfile(uris: identity.names, life: LeafProfile.defaultLife), authority: self.authority)
    }
}

/// The messages of a stream.
struct MessageReader {
    private var chunks: HTTPBody.AsyncIterator
    private var framer = LineFramer()
    private var lines: ArraySlice<[UInt8]> = []
    private var assembler: ConfigAssembler

    /// - Parameter current: what the proxy has.
    init(_ stream: HTTPStream, current: ConfigText? = nil) {
        self.chunks = stream.body.makeAsyncIterator()
        self.assembler = ConfigAssembler(current: current)
    }

    /// The next configuration; pings are passed over.
    mutating func config() async throws -> ConfigUpdate {
        while true {
            while let line = self.lines.popFirst() {
                if case .config(let update)? = try self.assembler.received(line) { return update }
            }
            let chunk = try #require(try await self.chunks.next(), "the stream ended")
            self.lines = try self.framer.received(chunk)[...]
        }
    }
}

extension ConfigUpdate {
    /// Of the first listener.
    var port: UInt16? { ConfigReading(self.text).config.listeners.first?.port }
}
