import FoundationEssentials
import HTTPTypes
import Hummingbird
import JSONModel
import NIOCore

/// HTTP on one side, `APIService` on the other.
struct HTTPBridge: HTTPResponder {
    typealias Context = BasicRequestContext

    let service: APIService

    /// As a real API server: 3 MiB.
    private static let maxBodyBytes = 3 * 1024 * 1024

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        var request = request
        let reply: APIReply
        do {
            let body = try await request.collectBody(upTo: Self.maxBodyBytes)
            guard let read = Self.read(request, body: body) else {
                return try self.response(to: request, .failure(.methodNotAllowed(request.method.rawValue)))
            }
            reply = await self.service.respond(to: read)
        } catch is NIOTooManyBytesError {
            reply = .failure(
                APIError(code: 413, reason: "RequestEntityTooLarge", message: "Request entity too large: limit is \(Self.maxBodyBytes)"))
        }
        return try self.response(to: request, reply)
    }

    private static func read(_ request: Request, body: ByteBuffer) -> APIRequest? {
        guard let method = APIRequest.Method(rawValue: request.method.rawValue) else { return nil }
        let path = request.uri.path.split(separator: "/", omittingEmptySubsequences: true).map { $0.removingPercents }
        var read = APIRequest(method: method, path: path)
        for item in (request.uri.query ?? "").split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            read.query[parts[0].queryDecoded] = parts.count > 1 ? parts[1].queryDecoded : ""
        }
        read.accept = request.headers[.accept] ?? "application/json"
        read.contentType = request.headers[.contentType] ?? "application/json"
        read.userAgent = request.headers[.userAgent] ?? ""
        read.authorization = request.headers[.authorization]
        read.body = Data(body.readableBytesView)
        return read
    }

    private func response(to request: Request, _ reply: APIReply) throws -> Response {
        var headers: HTTPFields = [.cacheControl: "no-cache, private"]
        for warning in reply.warnings {
            let text = warning.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            headers.append(HTTPField(name: .init("Warning")!, value: "299 - \"\(text)\""))
        }
        if let seconds = reply.retryAfter { headers[.retryAfter] = String(seconds) }
        if reply.code == 401 { headers[.wwwAuthenticate] = "Bearer realm=\"egret-devcluster\"" }
        let body: ResponseBody
        switch reply.body {
        case .json(let json):
            headers[.contentType] = "application/json"
            body = ResponseBody(byteBuffer: ByteBuffer(bytes: json.data + [10]))
        case .bytes(let data, let type):
            headers[.contentType] = type
            body = ResponseBody(byteBuffer: ByteBuffer(bytes: data))
        case .events(let run):
            headers[.contentType] = "application/json"
            body = Self.stream(request) { emit in try await run { try await emit(ByteBuffer(bytes: $0.data + [10])) } }
        case .feed(let run, let type):
            headers[.contentType] = type
            body = Self.stream(request) { emit in try await run { try await emit(ByteBuffer(bytes: $0)) } }
        }
        return Response(status: .init(code: reply.code), headers: headers, body: body)
    }

    private typealias Emit = (ByteBuffer) async throws -> Void

    /// A body that is written while it happens, and given up when the client goes.
    private static func stream(_ request: Request, _ run: @escaping @Sendable (Emit) async throws -> Void) -> ResponseBody {
        ResponseBody { writer in
            // An empty first write sends the head: a watch may have nothing to say for long.
            try await writer.write(ByteBuffer())
            var open = writer
            try await request.body.consumeWithCancellationOnInboundClose { _ in
                try await run { try await open.write($0) }
            }
            try await writer.finish(nil)
        }
    }
}

extension Substring {
    fileprivate var removingPercents: String { String(self).percentDecoded ?? String(self) }
    fileprivate var queryDecoded: String { String(self.replacing("+", with: " ")).percentDecoded ?? String(self) }
}

extension String {
    fileprivate var percentDecoded: String? {
        guard self.contains("%") else { return self }
        var bytes: [UInt8] = []
        var rest = self.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
