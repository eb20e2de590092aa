import JSONModel

/// What the admin server answers.
struct AdminAnswer: Hashable, Sendable {
    var status = 200
    var type = "text/plain; charset=utf-8"
    var text: String
    /// The methods that a path takes, where the request's is none of them.
    var allow: String?

    static func json(_ json: JSON) -> AdminAnswer { AdminAnswer(type: "application/json", text: json.prettyText + "\n") }

    static func refused(_ status: Int, _ sentence: String) -> AdminAnswer { AdminAnswer(status: status, text: sentence + "\n") }
}
