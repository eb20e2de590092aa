import Foundation
import JSONModel

/// Who asked the API for what, as the API server itself wrote it down. The development cluster and a real API server write
/// the same form: a line of JSON per request (`audit.k8s.io/v1`).
struct AuditLog: Sendable {
    let path: String

    struct Entry: Hashable, Sendable {
        var id: String
        var verb: String
        /// With its subresource: `deployments/status`.
        var resource: String
        var group: String
        var code: Int
    }

    /// Requests of a program for objects, each once. A program is the User-Agent's first word without its version.
    func entries(of client: String) throws -> [Entry] {
        var seen: Set<String> = []
        return try String(contentsOfFile: self.path, encoding: .utf8).split(separator: "\n").compactMap { line in
            // A last line may be half written.
            guard let event = try? JSON(parsing: String(line)), let id = event["auditID"]?.string,
                event["userAgent"]?.string?.hasPrefix("\(client)/") == true, let resource = event.at("objectRef", "resource")?.string,
                seen.insert(id).inserted
            else { return nil }
            let subresource = event.at("objectRef", "subresource")?.string
            return Entry(
                id: id, verb: event["verb"]?.string ?? "", resource: subresource.map { "\(resource)/\($0)" } ?? resource,
                group: event.at("objectRef", "apiGroup")?.string ?? "", code: event.at("responseStatus", "code")?.int ?? 0)
        }
    }
}
