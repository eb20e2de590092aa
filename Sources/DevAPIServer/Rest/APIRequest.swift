import FoundationEssentials
import JSONModel

/// One HTTP request, without the transport.
struct APIRequest: Sendable {
    enum Method: String, Sendable { case get = "GET", head = "HEAD", post = "POST", put = "PUT", patch = "PATCH", delete = "DELETE" }

    var method: Method
    /// Percent-decoded path segments.
    var path: [String]
    var query: [String: String] = [:]
    var accept = "application/json"
    var contentType = "application/json"
    var userAgent = ""
    var authorization: String?
    var body = Data()

    func flag(_ name: String) -> Bool {
        guard let value = self.query[name] else { return false }
        return value == "true" || value == "1" || value.isEmpty
    }

    var isDryRun: Bool { self.query["dryRun"] == "All" }

    /// The program that asks: the User-Agent's first word without its version.
    var client: String { self.userAgent.split(whereSeparator: { $0 == "/" || $0 == " " }).first.map(String.init) ?? "unknown" }

    /// Media type without parameters.
    var mediaType: String { (self.contentType.split(separator: ";").first ?? "").trimmed.lowercased() }

    /// Who is recorded in managedFields.
    var fieldManager: String { self.query["fieldManager"].flatMap { $0.isEmpty ? nil : $0 } ?? self.client }
}

/// The answer, without the transport.
struct APIReply: Sendable {
    enum Body: Sendable {
        case json(JSON)
        case bytes(Data, contentType: String)
        /// Lines of JSON, sent as soon as they are there; the function runs for as long as the response does.
        case events(@Sendable (_ emit: (JSON) async throws -> Void) async throws -> Void)
        /// Bytes of a container's log.
        case feed(@Sendable (_ emit: (Data) async throws -> Void) async throws -> Void, contentType: String)
    }

    var code: Int
    var body: Body
    var warnings: [String] = []
    var retryAfter: Int?

    static func ok(_ json: JSON, warnings: [String] = []) -> Self { Self(code: 200, body: .json(json), warnings: warnings) }

    static func text(_ text: String, code: Int = 200) -> Self {
        Self(code: code, body: .bytes(Data(text.utf8), contentType: "text/plain; charset=utf-8"))
    }

    static func failure(_ error: APIError) -> Self { Self(code: error.code, body: .json(error.status), retryAfter: error.retryAfter) }
}
