import ConfigSync
import FoundationEssentials
import HTTPTypes
import Hummingbird
import JSONModel
import NIOCore

/// What requests of proxies and zones have in common.
extension Request {
    var bearerToken: String {
        get throws(AccessRefusal) {
            let scheme = "Bearer "
            guard let header = self.headers[.authorization], header.hasPrefix(scheme), header.utf8.count > scheme.utf8.count else {
                throw AccessRefusal(.noToken, "the request has no token; send \"authorization: Bearer <token>\"")
            }
            return String(header.dropFirst(scheme.count))
        }
    }

    /// The version of the program that asks: `egret-dp/0.1.0` → `0.1.0`
    var programVersion: String {
        let agent = self.headers[.userAgent] ?? ""
        return String((agent.split(separator: "/").dropFirst().first ?? "").prefix(40))
    }

    func bytes(upTo maxBodyBytes: Int) async throws(AccessRefusal) -> ByteBuffer {
        do {
            return try await self.body.collect(upTo: maxBodyBytes)
        } catch {
            throw AccessRefusal(.badRequest, "the body cannot be read or is longer than \(maxBodyBytes) bytes")
        }
    }

    func decoded<Body: Decodable>(upTo maxBodyBytes: Int) async throws(AccessRefusal) -> Body {
        let buffer = try await self.bytes(upTo: maxBodyBytes)
        do {
            return try JSON(parsing: Data(buffer.readableBytesView)).decoded(as: Body.self)
        } catch {
            throw AccessRefusal(.badRequest, "the body is not the JSON expected here: \(error)")
        }
    }
}

extension Response {
    static func json(
        _ value: some Encodable, status: HTTPResponse.Status, contentType: String = "application/json"
    ) throws -> Response {
        let data = try JSON(encoding: value).data
        return Response(status: status, headers: [.contentType: contentType], body: .init(byteBuffer: ByteBuffer(bytes: data)))
    }
}

extension AccessRefusal {
    /// A refusal of any error, as problem details.
    static func of(_ error: any Error) -> AccessRefusal {
        error as? AccessRefusal ?? AccessRefusal(.unavailable, "the control plane failed to answer: \(error)")
    }

    var response: Response {
        let status = HTTPResponse.Status(code: self.status)
        return (try? Response.json(self.problem, status: status, contentType: ProblemDetails.contentType)) ?? Response(status: status)
    }
}
