import JSONModel
import Testing

/// What the installed roles allow, against what a client really asked for: the development cluster enforces no RBAC, so a
/// permission that is missing would show on a real cluster first.
struct Permissions {
    /// `group/resource` to verbs.
    private var granted: [String: Set<String>] = [:]
    private let log: AuditLog

    init(of cluster: Cluster) async throws {
        self.log = try #require(cluster.auditLog)
        let roles = try JSON(
            parsing: try await cluster.kubectl(
                "get", "role,clusterrole", "-n", Cluster.system, "-l", "app.kubernetes.io/name=egret", "-o", "json"))
        for role in roles["items"]?.array ?? [] {
            for rule in role["rules"]?.array ?? [] {
                let verbs = (rule["verbs"]?.array ?? []).compactMap(\.string)
                for group in rule["apiGroups"]?.array ?? [] {
                    for resource in rule["resources"]?.array ?? [] {
                        self.granted["\(group.string ?? "")/\(resource.string ?? "")", default: []].formUnion(verbs)
                    }
                }
            }
        }
    }

    /// Requests of a client that no role allows, as `verb group/resource`.
    func missing(for client: String) throws -> Set<String> {
        Set(
            try self.log.entries(of: client).flatMap { entry in
                let resource = "\(entry.group)/\(entry.resource)"
                // Applying what is not there takes the permission to create it, too.
                let needed = entry.verb == "patch" && entry.code == 201 ? ["patch", "create"] : [entry.verb]
                return needed.filter { self.granted[resource]?.contains($0) != true }.map { "\($0) \(resource)" }
            })
    }
}
