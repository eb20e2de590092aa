import FoundationEssentials
package import JSONModel
package import MeshModel

/// A request to the REST API, apart from the server that received it.
package struct APIRequest: Sendable {
    package enum Method: String, Sendable { case get = "GET", put = "PUT", post = "POST", delete = "DELETE" }

    package var method: Method
    /// Decoded segments: `["meshes", "default", "dataplanes"]`.
    package var path: [String]
    package var query: [String: String]
    package var body: [UInt8]
    /// Whether the caller may change things and see secrets.
    package var isAdmin: Bool

    package init(_ method: Method, _ path: [String], query: [String: String] = [:], body: [UInt8] = [], isAdmin: Bool = true) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.isAdmin = isAdmin
    }
}

package struct APIReply: Hashable, Sendable {
    package enum Body: Hashable, Sendable {
        case json(JSON)
        /// A token, as it is.
        case text(String)
    }

    package var status: Int
    package var body: Body

    package init(_ json: JSON, status: Int = 200) {
        self.status = status
        self.body = .json(json)
    }

    package init(text: String) {
        self.status = 200
        self.body = .text(text)
    }
}

/// A refusal in the form Kuma's API has (RFC 9457 with `invalid_parameters`).
package struct APIProblem: Error, Hashable, Sendable {
    package var status: Int
    package var title: String
    package var detail: String
    package var violations: [Violation]

    package init(_ status: Int, _ title: String, _ detail: String, violations: [Violation] = []) {
        self.status = status
        self.title = title
        self.detail = detail
        self.violations = violations
    }

    package static func invalid(_ error: InvalidResource) -> APIProblem {
        APIProblem(400, "Resource is not valid", "\(error)", violations: error.violations)
    }

    package static func notFound(_ what: String) -> APIProblem { APIProblem(404, "Not found", "\(what) does not exist") }

    package var json: JSON {
        var json: JSON = [
            "type": "/std-errors", "title": .string(self.title), "status": JSON(self.status), "detail": .string(self.detail),
        ]
        if !self.violations.isEmpty {
            json["invalid_parameters"] = .array(
                self.violations.map { ["field": .string($0.field), "reason": .string($0.message), "source": "body"] })
        }
        return json
    }
}
