import CurlTransport
import FoundationEssentials
import JSONModel

/// Requests to a control plane's REST API.
final class APIClient: Sendable {
    let entry: ControlPlaneEntry
    private let transport = CurlTransport()

    init(_ entry: ControlPlaneEntry) { self.entry = entry }

    deinit { self.transport.shutDown() }

    func get(_ path: String) async throws(CLIFailure) -> JSON {
        let response = try await self.send("GET", path, body: nil)
        do { return try JSON(parsing: Data(response.body)) } catch {
            throw CLIFailure("\(self.entry.address) does not answer as an Egret control plane does")
        }
    }

    /// The answer as it is.
    func text(_ path: String) async throws(CLIFailure) -> String {
        String(decoding: try await self.send("GET", path, body: nil).body, as: UTF8.self)
    }

    /// Every item of a collection, page by page.
    func list(_ path: String) async throws(CLIFailure) -> [JSON] {
        var items: [JSON] = []
        var next: String? = path + "?size=1000"
        while let page = next {
            let answer = try await self.get(page)
            items += answer["items"]?.array ?? []
            next = answer["next"]?.string
        }
        return items
    }

    /// Whether the resource is new.
    func put(_ path: String, _ body: JSON) async throws(CLIFailure) -> Bool {
        try await self.send("PUT", path, body: Array(body.data)).status == 201
    }

    func delete(_ path: String) async throws(CLIFailure) { _ = try await self.send("DELETE", path, body: nil) }

    /// The answer as it is, such as a token.
    func post(_ path: String, _ body: JSON) async throws(CLIFailure) -> String {
        String(decoding: try await self.send("POST", path, body: Array(body.data)).body, as: UTF8.self)
    }

    private func send(_ method: String, _ path: String, body: [UInt8]?) async throws(CLIFailure) -> HTTPResponse {
        var headers = [HTTPHeader("accept", "application/json")]
        if body != nil { headers.append(HTTPHeader("content-type", "application/json")) }
        if let file = self.entry.tokenFile {
            headers.append(HTTPHeader("authorization", "Bearer \(try Self.text(file, "the token of control plane \(self.entry.name)"))"))
        }
        var tls = TLSSettings(insecureSkipVerify: self.entry.skipVerify ?? false)
        if let file = self.entry.caCertFile { tls.ca = try Self.text(file, "the CA certificate of control plane \(self.entry.name)") }
        var request = HTTPRequest(method, self.entry.address + path, headers: headers, tls: tls)
        if let body { request.body = body }
        request.timeout = .seconds(30)
        let response: HTTPResponse
        do { response = try await self.transport.send(request) } catch {
            throw CLIFailure(
                "no answer from the control plane at \(self.entry.address): \(error.message). Is it running, and is this its address? "
                    + "egretctl config control-planes list")
        }
        guard response.isSuccess else { throw Self.failure(response, path) }
        return response
    }

    private static func failure(_ response: HTTPResponse, _ path: String) -> CLIFailure {
        let problem = try? JSON(parsing: Data(response.body))
        let violations = (problem?["invalid_parameters"]?.array ?? []).map { violation in
            "  \(violation["field"]?.string ?? ""): \(violation["reason"]?.string ?? "")"
        }
        guard let title = problem?["title"]?.string else {
            return CLIFailure("the control plane answered HTTP \(response.status) to \(path)")
        }
        if !violations.isEmpty { return CLIFailure("\(title)\n\(violations.joined(separator: "\n"))") }
        return CLIFailure("\(title): \(problem?["detail"]?.string ?? "")")
    }

    private static func text(_ file: String, _ what: String) throws(CLIFailure) -> String {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CLIFailure("\(what) should be in \(file), which cannot be read")
        }
        var text = Substring(String(decoding: data, as: UTF8.self))
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
