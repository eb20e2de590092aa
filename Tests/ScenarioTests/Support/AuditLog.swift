import Foundation
import JSONModel

/// Who asked the API for what, as the API server itself wrote it down. The development cluster and a real API server write
/// the same form: a line of JSON per request (`audit.k8s.io/v1`).
struct AuditLog: Sendable {
    private let path: String
    /// What a cluster that was there already wrote before is nothing to us: other scenarios' operators may do other things.
    private let start: Int

    /// The log from now on.
    init(path: String) {
        self.path = path
        self.start = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }

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
        let bytes = try Data(contentsOf: URL(fileURLWithPath: self.path))
        // A log that is shorter was begun anew.
        let ours = bytes.count < self.start ? bytes : bytes.dropFirst(self.start)
        return String(decoding: ours, as: UTF8.self).split(separator: "\n").compactMap { line in
            // A first or last line may be half written.
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
