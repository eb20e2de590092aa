import JSONModel

extension APIService {
    func openAPIAnswer(_ request: APIRequest) throws -> APIReply { throw APIError.unknownPath }
}
