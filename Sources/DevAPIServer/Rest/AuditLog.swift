import FoundationEssentials
import Glibc
import JSONModel

/// Who asked for what: one line of JSON per answered request, in the form of a real API server's audit log
/// (`audit.k8s.io/v1`, level Metadata), so that one reader serves both.
struct AuditLog: Sendable {
    /// Held until the process ends.
    private let descriptor: Int32

    /// Lines are added to what the file has.
    init(path: String) throws(StartFailure) {
        self.descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard self.descriptor >= 0 else {
            throw StartFailure("cannot write the audit log \(path) (\(String(cString: strerror(errno)))); choose another path")
        }
    }

    /// One write a line, which O_APPEND keeps whole. A full disk loses the line, never the request.
    func record(_ request: APIRequest, _ target: RequestTarget?, code: Int, at time: Date) {
        let line = Self.event(request, target, code: code, id: UUID().uuidString.lowercased(), at: time).data + [10]
        _ = line.withUnsafeBytes { write(self.descriptor, $0.baseAddress, $0.count) }
    }

    static func event(_ request: APIRequest, _ target: RequestTarget?, code: Int, id: String, at time: Date) -> JSON {
        let verb = self.verb(request, target)
        var event: JSON = [
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": JSON(id),
            // A watch is told of when it starts: it may never end.
            "stage": verb == "watch" ? "ResponseStarted" : "ResponseComplete", "requestURI": JSON(self.uri(request)), "verb": JSON(verb),
            "userAgent": JSON(request.userAgent), "responseStatus": ["code": JSON(code)], "stageTimestamp": JSON(Timestamp.text(time)),
        ]
        guard let target else { return event }
        var reference: JSON = ["resource": JSON(target.resource), "apiVersion": JSON(target.version)]
        for (key, value) in [
            ("apiGroup", target.group), ("namespace", target.namespace ?? ""), ("name", target.name ?? ""),
            ("subresource", target.subresource ?? ""),
        ] where !value.isEmpty {
            reference[key] = JSON(value)
        }
        event["objectRef"] = reference
        return event
    }

    private static func verb(_ request: APIRequest, _ target: RequestTarget?) -> String {
        guard let target else { return request.method.rawValue.lowercased() }
        return switch request.method {
        case .get, .head: request.flag("watch") ? "watch" : target.name == nil ? "list" : "get"
        case .patch: "patch"
        case .delete: target.name == nil ? "deletecollection" : "delete"
        case .post: "create"
        case .put: "update"
        }
    }

    private static func uri(_ request: APIRequest) -> String {
        let query = request.query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "&")
        return "/\(request.path.joined(separator: "/"))\(query.isEmpty ? "" : "?\(query)")"
    }
}
