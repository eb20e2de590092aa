import FoundationEssentials
import JSONModel
import Logging
import Synchronization

/// The API without a transport: a request in, a reply out.
final class APIService: Sendable {
    let store: Store
    let registry: Registry
    let tokens: TokenAuthority
    let metrics = RequestMetrics()
    let protobuf: KubernetesProtobuf
    let kubelets: any KubeletReading
    let logger: Logger
    let audit: AuditLog?
    /// Wall clock, as RFC 3339 in UTC with whole seconds.
    let now: @Sendable () -> Date

    init(
        store: Store, registry: Registry, tokens: TokenAuthority, kubelets: any KubeletReading, logger: Logger, audit: AuditLog? = nil,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.store = store
        self.registry = registry
        self.protobuf = KubernetesProtobuf(types: registry.types)
        self.tokens = tokens
        self.kubelets = kubelets
        self.logger = logger
        self.audit = audit
        self.now = now
    }

    var timestamp: String { Timestamp.text(self.now()) }

    func respond(to request: APIRequest) async -> APIReply {
        let target = RequestTarget(path: request.path)
        let reply: APIReply
        do {
            reply = try await self.answer(request, target)
        } catch let error as APIError {
            reply = .failure(error)
        } catch {
            self.logger.error("request failed", metadata: ["http.path": "/\(request.path.joined(separator: "/"))", "reason": "\(error)"])
            reply = .failure(.internalError("Internal error occurred: \(error)"))
        }
        self.metrics.count(verb: Self.verb(request, target), resource: target?.resource ?? "", code: reply.code)
        self.audit?.record(request, target, code: reply.code, at: self.now())
        self.logger.debug(
            "request answered",
            metadata: [
                "http.method": "\(request.method.rawValue)", "http.path": "/\(request.path.joined(separator: "/"))",
                "http.code": "\(reply.code)", "client": "\(request.client)",
            ])
        return reply
    }

    private func answer(_ request: APIRequest, _ target: RequestTarget?) async throws -> APIReply {
        if let open = self.openAnswer(request) { return open }
        let user = try await self.tokens.user(of: request.authorization, store: self.store, now: self.now())
        guard let target else { return try self.discoveryAnswer(request) }
        guard let type = self.registry.find(group: target.group, version: target.version, resource: target.resource) else {
            let isKnown = self.registry.all.contains { $0.group == target.group && $0.version == target.version }
            if isKnown { throw APIError.unknownPath }
            return .text("404 page not found\n", code: 404)
        }
        let call = Call(request: request, target: target, type: type, user: user)
        if let subresource = target.subresource { return try await self.answerSubresource(subresource, call) }
        guard type.isNamespaced || target.namespace == nil else { throw APIError.unknownPath }
        switch (request.method, target.name) {
        case (.get, nil), (.head, nil): return try request.flag("watch") ? self.watch(call) : self.list(call)
        case (.get, let name?), (.head, let name?):
            if request.flag("watch") { return try self.watch(call) }
            return try self.present(self.get(type, target.namespace, name), call)
        case (.post, nil): return try await self.create(call)
        case (.put, let name?): return try self.update(call, name: name, subresource: nil)
        case (.patch, let name?): return try self.patch(call, name: name, subresource: nil)
        case (.delete, let name?): return try self.delete(call, name: name)
        case (.delete, nil): return try self.deleteCollection(call)
        default: throw APIError.methodNotAllowed(request.method.rawValue)
        }
    }

    /// A request with its resource found.
    struct Call: Sendable {
        let request: APIRequest
        let target: RequestTarget
        let type: ResourceType
        let user: User

        var namespace: String { self.target.namespace ?? "" }

        func key(_ name: String) -> ObjectKey {
            ObjectKey(resource: self.type.storedAs, namespace: self.type.isNamespaced ? self.namespace : "", name: name)
        }
    }

    /// As a real API server's metrics name it.
    static func verb(_ request: APIRequest, _ target: RequestTarget?) -> String {
        guard let target else { return request.method.rawValue }
        switch request.method {
        case .get, .head: return request.flag("watch") ? "WATCH" : target.name == nil ? "LIST" : "GET"
        case .patch: return request.mediaType == PatchForm.apply.rawValue ? "APPLY" : "PATCH"
        case .delete: return target.name == nil ? "DELETECOLLECTION" : "DELETE"
        case .post, .put: return request.method.rawValue
        }
    }

    func get(_ type: ResourceType, _ namespace: String?, _ name: String) throws -> JSON {
        let key = ObjectKey(resource: type.storedAs, namespace: type.isNamespaced ? namespace ?? "" : "", name: name)
        guard let object = self.store.object(key) else { throw APIError.notFound(type, name) }
        return self.versioned(object, type)
    }

    /// The object under the version it is asked for. Conversion is `None`: only the name changes.
    func versioned(_ object: JSON, _ type: ResourceType) -> JSON {
        var object = type.storage?.fromStored(object) ?? object
        object["apiVersion"] = JSON(type.apiVersion)
        object["kind"] = JSON(type.kind)
        return object
    }

    /// One object as the client wants it: itself, a Table or its metadata only.
    func present(_ object: JSON, _ call: Call, code: Int = 200, warnings: [String] = []) throws -> APIReply {
        let shown: JSON =
            switch Representation(accept: call.request.accept) {
            case .whole: object
            case .table: TableWriter.table(of: [object], list: object["metadata"] ?? [:], call: call, now: self.now())
            case .metadata: PartialMetadata.of(object)
            }
        return APIReply(code: code, body: .json(shown), warnings: warnings)
    }
}

enum Timestamp {
    static func text(_ date: Date) -> String { date.formatted(.iso8601) }

    static func date(_ text: String) -> Date? {
        if let date = try? Date(text, strategy: .iso8601) { return date }
        return try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
