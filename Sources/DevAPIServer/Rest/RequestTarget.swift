/// What a path under `/api` or `/apis` names.
struct RequestTarget: Hashable, Sendable {
    var group: String
    var version: String
    var namespace: String?
    var resource: String
    var name: String?
    var subresource: String?
    /// What follows a subresource, as in `services/x/proxy/some/path`.
    var rest: [String] = []

    /// `/api/v1/namespaces/n/pods/p/log`, `/apis/apps/v1/deployments`; nil for discovery and other paths.
    init?(path: [String]) {
        var segments: ArraySlice<String>
        switch path.first {
        case "api" where path.count >= 3:
            self.group = ""
            self.version = path[1]
            segments = path[2...]
        case "apis" where path.count >= 4:
            self.group = path[1]
            self.version = path[2]
            segments = path[3...]
        default: return nil
        }
        // `namespaces/n/status` speaks of the namespace, `namespaces/n/pods` of what is in it.
        if segments.first == "namespaces", segments.count >= 3, !["status", "finalize"].contains(segments[segments.startIndex + 2]) {
            self.namespace = segments[segments.startIndex + 1]
            segments = segments.dropFirst(2)
        }
        guard let resource = segments.popFirst(), !resource.isEmpty else { return nil }
        self.resource = resource
        self.name = segments.popFirst()
        self.subresource = segments.popFirst()
        self.rest = Array(segments)
    }
}
