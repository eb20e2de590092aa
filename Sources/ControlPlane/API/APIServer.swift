import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTLS
import JSONModel
import KubeAPI
import Logging
import NIOCore
import ServiceLifecycle
import Telemetry
import Tokens

/// The REST API on one port, plain or TLS. Thin: answers are `ResourceAPI`'s and `TokenAPI`'s.
///
/// Administrators are callers from this machine, as in Kuma (`localhostIsAdmin`), and bearers of a user token of the admin
/// group. A browser on this machine is no administrator: its pages could be anybody's, so a request with an `Origin`, or for
/// another host than this machine, counts as a stranger's.
package struct APIServer: Service {
    private let address: ProxyServer.Address
    private let flag: String
    /// Nil: plain HTTP.
    private let identity: ServingIdentity?
    private let resources: ResourceAPI
    private let inspect: InspectAPI
    private let tokens: TokenAPI
    private let keys: TokenKeys
    private let index: JSON
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    private static let maxBodyBytes = 1 << 20

    /// - Parameter flag: which flag sets the port, for the error when it is taken.
    init(
        address: ProxyServer.Address, flag: String, identity: ServingIdentity?, resources: ResourceAPI, inspect: InspectAPI,
        tokens: TokenAPI, keys: TokenKeys,
        index: JSON, logger: Logger, onListening: @escaping @Sendable (Int) -> Void
    ) {
        self.address = address
        self.flag = flag
        self.identity = identity
        self.resources = resources
        self.inspect = inspect
        self.tokens = tokens
        self.keys = keys
        self.index = index
        self.logger = logger
        self.onListening = onListening
    }

    private struct Context: RequestContext, RemoteAddressRequestContext {
        var coreContext: CoreRequestContextStorage
        let remoteAddress: SocketAddress?

        init(source: ApplicationRequestContextSource) {
            self.coreContext = .init(source: source)
            self.remoteAddress = source.channel.remoteAddress
        }
    }

    package func run() async throws {
        let router = Router(context: Context.self)
        for method in [HTTPRequest.Method.get, .put, .post, .delete, .patch, .head, .options] {
            router.on("/", method: method) { request, context in await self.answer(request, context) }
            router.on("/**", method: method) { request, context in await self.answer(request, context) }
        }
        let configuration = ApplicationConfiguration(address: .hostname(self.address.host, port: self.address.port))
        let onRunning: @Sendable (any Channel) async -> Void = { channel in
            self.onListening(channel.localAddress?.port ?? self.address.port)
        }
        let application =
            if let identity {
                Application(
                    router: router,
                    server: try .tls(
                        .http1(configuration: .init(idleTimeout: ProxyServer.idleTimeout)), tlsConfiguration: identity.tlsConfiguration),
                    configuration: configuration, onServerRunning: onRunning, logger: self.logger.ofServer)
            } else {
                Application(
                    router: router, server: .http1(configuration: .init(idleTimeout: ProxyServer.idleTimeout)),
                    configuration: configuration, onServerRunning: onRunning, logger: self.logger.ofServer)
            }
        try await self.address.listening(flag: self.flag) { try await application.run() }
    }

    private func answer(_ request: Request, _ context: Context) async -> Response {
        do {
            guard let method = APIRequest.Method(rawValue: request.method.rawValue) else {
                throw APIProblem(405, "Method not allowed", "\(request.method.rawValue) is not offered")
            }
            let buffer: ByteBuffer
            do { buffer = try await request.body.collect(upTo: Self.maxBodyBytes) } catch {
                throw APIProblem(413, "Too large", "the body is longer than \(Self.maxBodyBytes) bytes")
            }
            var query: [String: String] = [:]
            for (key, value) in request.uri.queryParameters { query[String(key)] = String(value) }
            let path = request.uri.path.split(separator: "/").map { PercentEncoding.decoded($0) }
            let isAdmin = try self.isAdmin(request, context)
            let asked = APIRequest(method, path, query: query, body: Array(buffer.readableBytesView), isAdmin: isAdmin)
            let now = Date()
            if path.isEmpty, method == .get { return Self.response(APIReply(self.index)) }
            if let reply = try await self.tokens.respond(to: asked, now: now) { return Self.response(reply) }
            if let reply = try await self.inspect.respond(to: asked) { return Self.response(reply) }
            if let reply = try self.resources.respond(to: asked, now: now) {
                if method != .get {
                    self.logger.info(
                        "Changed a resource",
                        metadata: [
                            "request": "\(method.rawValue) /\(path.joined(separator: "/"))",
                            "caller": "\(context.remoteAddress.map { "\($0)" } ?? "-")", "status": "\(reply.status)",
                        ])
                }
                return Self.response(reply)
            }
            throw APIProblem(404, "Not found", "there is nothing at \(request.uri.path)")
        } catch {
            let problem = error as? APIProblem ?? APIProblem(500, "Internal Server Error", "\(error)")
            return Self.response(APIReply(problem.json, status: problem.status), type: "application/problem+json")
        }
    }

    private func isAdmin(_ request: Request, _ context: Context) throws(APIProblem) -> Bool {
        let scheme = "Bearer "
        if let header = request.headers[.authorization] {
            guard header.hasPrefix(scheme) else {
                throw APIProblem(401, "Unauthorized", "the authorization header has to be \"Bearer <token>\"")
            }
            do {
                let token = String(header.dropFirst(scheme.count))
                return try self.keys.verifier(.userTokens).verify(token, as: UserToken.self, now: Date()).isAdmin
            } catch {
                throw APIProblem(401, "Unauthorized", error.message)
            }
        }
        guard let remote = context.remoteAddress, remote.isLoopback, request.headers[.origin] == nil else { return false }
        return Self.namesThisMachine(request.head.authority ?? "")
    }

    private static func namesThisMachine(_ authority: String) -> Bool {
        let host = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        return host == "localhost" || host == "[::1]" || host.hasPrefix("127.")
    }

    private static func response(_ reply: APIReply, type: String = "application/json") -> Response {
        let (bytes, type): (ByteBuffer, String) =
            switch reply.body {
            case .json(let json): (ByteBuffer(string: json.prettyText + "\n"), type)
            case .text(let text): (ByteBuffer(string: text), "text/plain")
            }
        return Response(
            status: .init(code: reply.status), headers: [.contentType: type, .cacheControl: "no-store"], body: .init(byteBuffer: bytes))
    }
}

extension SocketAddress {
    /// 127.0.0.0/8, ::1, and the former as the latter's kind of address.
    fileprivate var isLoopback: Bool {
        guard let text = self.ipAddress else { return false }
        return text == "::1" || text.hasPrefix("127.") || text.hasPrefix("::ffff:127.")
    }
}
