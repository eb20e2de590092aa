import ConfigSync
import Foundation
import Hummingbird
import HummingbirdTLS
import Identity
import JSONModel
import Logging
import NIOCore
import NIOSSL
import Routing
import Synchronization
import X509

/// A control plane that does as a test says, over real HTTPS. It can leave and come back on the same port.
final class ScriptedControlPlane: Sendable {
    struct State: Sendable {
        var configs: [ProxyType: ConfigText] = [:]
        var acknowledgements: [Acknowledgement] = []
        /// What each stream request said it had; nil where it had nothing.
        var have: [String?] = []
        var tokens: Set<String> = ["good"]
        var signsCertificates = true
        var leafLife = Duration.seconds(3600)
        var signed = 0
        /// What certificates name beside the SPIFFE id.
        var tagNames: [String] = []
        /// Configurations written to streams.
        var sent = 0
        /// How many of them were differences.
        var differences = 0
        /// Whether the next difference is one from a configuration that nobody has.
        var sendsNonsense = false
    }

    let state = Mutex(State())
    let mesh: CertificateAuthority
    let serving: ServingCertificate
    var ca: String { self.serving.authority.certificate.pem }
    var meshCA: String { self.mesh.certificate.pem }

    init() throws {
        self.mesh = try .makeBuiltin(
            mesh: "default", key: try KeyKind.p256.makeKey(), life: .seconds(86400), now: Date(), serial: .random())
        self.serving = try .make(dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"], now: Date())
    }

    func show(_ config: ProxyConfig, to type: ProxyType) { self.show(config, to: type, odd: []) }

    /// - Parameter odd: lines that make no sense to today's proxies.
    func show(_ config: ProxyConfig, to type: ProxyType, odd: [String]) {
        var encoder = ConfigEncoder()
        let text = encoder.encode(config).text
        var builder = ConfigTextBuilder()
        for block in text.blocks { for index in 0..<block.count { builder.append(block.bytes[block.line(index)]) } }
        for line in odd { builder.append(Array(line.utf8)[...]) }
        let whole = builder.finish()
        self.state.withLock { $0.configs[type] = whole }
    }

    func acknowledgement(of type: ProxyType) -> Acknowledgement? {
        self.state.withLock { state in state.acknowledgements.last { $0.hash == state.configs[type]?.hash } }
    }

    /// Serves while `body` runs.
    /// - Parameter port: 0 takes any; `body` gets the one it is.
    func serve<Value: Sendable>(port: Int = 0, _ body: @escaping @Sendable (Int) async throws -> Value) async throws -> Value {
        let router = Router()
        router.get("/v1/config") { request, _ in try await self.stream(request) }
        router.post("/v1/acknowledgements") { request, context in
            guard self.knows(request) else { return Self.refusal }
            let acknowledgement: Acknowledgement = try await self.decode(request)
            self.state.withLock { $0.acknowledgements.append(acknowledgement) }
            return Response(status: .noContent)
        }
        router.post("/v1/certificates") { request, context in
            guard self.knows(request) else { return Self.refusal }
            return try await self.sign(request)
        }
        let tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try NIOSSLCertificate(bytes: Array(self.serving.certificate.pem.utf8), format: .pem))],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(self.serving.key.pem.utf8), format: .pem)))
        let (ports, announce) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "control plane")
        logger.logLevel = .critical
        let application = Application(
            router: router, server: try .tls(.http1(), tlsConfiguration: tls),
            configuration: .init(address: .hostname("127.0.0.1", port: port)),
            onServerRunning: { announce.yield($0.localAddress!.port!) }, logger: logger)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                try await application.run()
                return nil
            }
            group.addTask {
                for await port in ports { return try await body(port) }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    private static let refusal = Response(
        status: .unauthorized, headers: [.contentType: ProblemDetails.contentType],
        body: .init(
            byteBuffer: ByteBuffer(
                bytes: (try? JSON(encoding: ProblemDetails(title: "Unauthorized", status: 401, detail: "The token has expired.")).data)
                    ?? Data())))

    private func knows(_ request: Request) -> Bool {
        let token = request.headers[.authorization]?.dropFirst("Bearer ".count).description ?? ""
        return self.state.withLock { $0.tokens.contains(token) }
    }

    private func stream(_ request: Request) async throws -> Response {
        guard self.knows(request) else { return Self.refusal }
        let type = ProxyType(rawValue: request.uri.queryParameters.get("proxyType") ?? "")!
        let have = request.uri.queryParameters.get("have")
        self.state.withLock { $0.have.append(have) }
        return Response(
            status: .ok, headers: [.contentType: StreamMessage.contentType],
            body: ResponseBody { writer in
                var subscription = Subscription(have: have)
                var cache = DifferenceCache()
                while true {
                    if let text = self.state.withLock({ $0.configs[type] }) { _ = subscription.planned(text) }
                    var message = StreamMessage.pingLine
                    if let next = subscription.next(cache: &cache) {
                        message = Array(next.parts.joined())
                        self.state.withLock { state in
                            state.sent += 1
                            if next.form == .difference { state.differences += 1 }
                            if state.sendsNonsense {
                                state.sendsNonsense = false
                                message = Array(#"{"difference":{"base":"00","edits":[{"keep":1}],"hash":"01","items":0}}"#.utf8) + [0x0A]
                            }
                        }
                    }
                    // In two parts: lines are not chunks.
                    try await writer.write(ByteBuffer(bytes: message.prefix(3)))
                    try await writer.write(ByteBuffer(bytes: message.dropFirst(3)))
                    try await Task.sleep(for: .milliseconds(100))
                }
            })
    }

    private func sign(_ request: Request) async throws -> Response {
        let wanted: CertificateRequest = try await self.decode(request)
        let (signs, life) = self.state.withLock { ($0.signsCertificates, $0.leafLife) }
        guard signs else {
            let details = ProblemDetails(title: "Forbidden", status: 403, detail: "No identity for this pod.")
            return Response(
                status: .forbidden, headers: [.contentType: ProblemDetails.contentType],
                body: .init(byteBuffer: ByteBuffer(bytes: try JSON(encoding: details).data)))
        }
        let id = wanted.proxyType == .egress ? "spiffe://\(wanted.mesh)/zone-egress" : "spiffe://\(wanted.mesh)/web"
        let names = [id] + self.state.withLock { $0.tagNames }
        let signing = try SigningRequest(
            pem: wanted.csr, allowed: names, from: Holder(type: wanted.proxyType.rawValue, name: wanted.name))
        let leaf = try self.mesh.issue(LeafProfile(uris: names, life: life), for: signing.publicKey, now: Date(), serial: .random())
        self.state.withLock { $0.signed += 1 }
        let json = try JSON(encoding: CertificateReply(chain: leaf.pem))
        return Response(status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(bytes: json.data)))
    }

    private func decode<Value: Decodable>(_ request: Request) async throws -> Value {
        let body = try await request.body.collect(upTo: 1 << 20)
        return try JSONDecoder().decode(Value.self, from: Data(body.readableBytesView))
    }
}
