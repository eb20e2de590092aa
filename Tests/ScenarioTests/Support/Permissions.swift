import JSONModel

/// What the installed roles allow, against what a client really asked for: the development cluster enforces no RBAC, so a
/// permission that is missing would show on a real cluster first.
struct Permissions {
    /// Resource, subresource included, to verbs.
    private var granted: [String: Set<String>] = [:]
    private let requests: String

    init(of cluster: Cluster) async throws {
        self.requests = try await cluster.kubectl("get", "--raw", "/metrics")
        let roles = try JSON(
            parsing: try await cluster.kubectl(
                "get", "role,clusterrole", "-n", Cluster.system, "-l", "app.kubernetes.io/name=egret", "-o", "json"))
        for role in roles["items"]?.array ?? [] {
            for rule in role["rules"]?.array ?? [] {
                for resource in rule["resources"]?.array ?? [] {
                    self.granted[resource.string ?? "", default: []].formUnion((rule["verbs"]?.array ?? []).compactMap(\.string))
                }
            }
        }
    }

    private static let verbs = [
        "APPLY": "patch", "PATCH": "patch", "POST": "create", "PUT": "update", "DELETE": "delete", "GET": "get", "LIST": "list",
        "WATCH": "watch",
    ]

    /// Requests of a client that no role allows, as `VERB resource`.
    func missing(for client: String) -> [String] {
        let pattern = /apiserver_request_total\{verb="([A-Z]+)",resource="([^"]*)",client="([^"]*)",code="([0-9]+)"\} .*/
        return self.requests.split(separator: "\n").compactMap { line in
            guard let match = line.wholeMatch(of: pattern), match.3 == client else { return nil }
            let (verb, resource) = (String(match.1), String(match.2))
            // Counted without their subresource.
            let allowed = (self.granted[resource] ?? []).union(self.granted["\(resource)/status"] ?? [])
            // Applying what is not there takes the permission to create it, too.
            let needed = [Self.verbs[verb] ?? verb] + (verb == "APPLY" && match.4 == "201" ? ["create"] : [])
            return allowed.isSuperset(of: needed) ? nil : "\(verb) \(resource)"
        }
    }
}
