import FoundationEssentials
import JSONModel

extension APIService {
    /// `/openapi/v2`, `/openapi/v3`, `/openapi/v3/apis/GROUP/VERSION`
    func openAPIAnswer(_ request: APIRequest) throws -> APIReply {
        let types = self.registry.all
        switch request.path.dropFirst().first {
        case "v2" where request.path.count == 2:
            let document = OpenAPIDocument.v2(types)
            guard request.accept.contains("proto-openapi") else { return .ok(document) }
            return APIReply(code: 200, body: .bytes(SwaggerProtobuf.encode(document), contentType: SwaggerProtobuf.mediaType))
        case "v3" where request.path.count == 2:
            var paths: [String: JSON] = [:]
            for type in types {
                let path = type.group.isEmpty ? "api/\(type.version)" : "apis/\(type.group)/\(type.version)"
                paths[path] = ["serverRelativeURL": JSON("/openapi/v3/\(path)?hash=\(self.registry.epoch)")]
            }
            return .ok(["paths": .object(paths)])
        case "v3":
            let rest = request.path.dropFirst(2).joined(separator: "/")
            let members = types.filter { rest == ($0.group.isEmpty ? "api/\($0.version)" : "apis/\($0.group)/\($0.version)") }
            guard !members.isEmpty else { throw APIError.unknownPath }
            return .ok(OpenAPIDocument.v3(members))
        default: throw APIError.unknownPath
        }
    }
}
