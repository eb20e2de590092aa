import JSONModel

extension APIService {
    /// What needs no token.
    func openAnswer(_ request: APIRequest) -> APIReply? {
        guard request.method == .get || request.method == .head else { return nil }
        switch request.path.first {
        case "healthz", "livez", "readyz": return .text("ok")
        case "version":
            return .ok([
                "major": "1", "minor": "32", "gitVersion": "v1.32.0-egret-devcluster", "gitCommit": "", "gitTreeState": "clean",
                "buildDate": "2026-01-01T00:00:00Z", "goVersion": "swift", "compiler": "swift", "platform": "linux/amd64",
            ])
        default: return nil
        }
    }

    func discoveryAnswer(_ request: APIRequest) throws -> APIReply {
        guard request.method == .get || request.method == .head else { throw APIError.unknownPath }
        switch request.path {
        case [], [""]: return .ok(["paths": .array(self.rootPaths.map { JSON($0) })])
        case ["metrics"]: return .text(self.metrics.text)
        case ["api"]: return .ok(["kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []])
        case ["apis"]:
            return .ok(["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(self.groups.map { self.group($0) })])
        case ["api", "v1"]: return .ok(self.resources(group: "", version: "v1"))
        default: break
        }
        if request.path.first == "apis", request.path.count == 2, self.groups.contains(request.path[1]) {
            var group = self.group(request.path[1])
            group["kind"] = "APIGroup"
            group["apiVersion"] = "v1"
            return .ok(group)
        }
        if request.path.first == "apis", request.path.count == 3, self.versions(request.path[1]).contains(request.path[2]) {
            return .ok(self.resources(group: request.path[1], version: request.path[2]))
        }
        if request.path.first == "openapi" { return try self.openAPIAnswer(request) }
        throw APIError.unknownPath
    }

    private var rootPaths: [String] {
        ["/api", "/api/v1", "/apis"]
            + self.groups.flatMap { group in ["/apis/\(group)"] + self.versions(group).map { "/apis/\(group)/\($0)" } }
            + ["/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
    }

    /// Named groups, alphabetically.
    private var groups: [String] { Set(self.registry.all.map(\.group)).subtracting([""]).sorted() }

    private func versions(_ group: String) -> [String] {
        var seen: Set<String> = []
        return self.registry.all.filter { $0.group == group && seen.insert($0.version).inserted }.map(\.version)
    }

    private func group(_ name: String) -> JSON {
        let versions = self.versions(name).map { version -> JSON in
            ["groupVersion": JSON("\(name)/\(version)"), "version": JSON(version)]
        }
        return ["name": JSON(name), "versions": .array(versions), "preferredVersion": versions.first ?? .null]
    }

    private func resources(group: String, version: String) -> JSON {
        var resources: [JSON] = []
        for type in self.registry.all where type.group == group && type.version == version {
            var entry: JSON = [
                "name": JSON(type.plural), "singularName": JSON(type.singular), "namespaced": JSON(type.isNamespaced),
                "kind": JSON(type.kind), "verbs": .array(type.verbs.map { JSON($0) }),
            ]
            if !type.shortNames.isEmpty { entry["shortNames"] = .array(type.shortNames.map { JSON($0) }) }
            if !type.categories.isEmpty { entry["categories"] = .array(type.categories.map { JSON($0) }) }
            entry["storageVersionHash"] = ""
            resources.append(entry)
            for subresource in ResourceType.Subresource.allCases where type.subresources.contains(subresource) {
                resources.append(Self.entry(of: subresource, in: type))
            }
        }
        return [
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": JSON(group.isEmpty ? version : "\(group)/\(version)"),
            "resources": .array(resources),
        ]
    }

    private static func entry(of subresource: ResourceType.Subresource, in type: ResourceType) -> JSON {
        var entry: JSON = [
            "name": JSON("\(type.plural)/\(subresource.rawValue)"), "singularName": "", "namespaced": JSON(type.isNamespaced),
            "kind": JSON(type.kind), "verbs": ["get", "patch", "update"],
        ]
        func another(_ group: String, _ version: String, _ kind: String) {
            entry["group"] = JSON(group)
            entry["version"] = JSON(version)
            entry["kind"] = JSON(kind)
        }
        switch subresource {
        case .status: break
        case .scale: another("autoscaling", "v1", "Scale")
        case .log: entry["verbs"] = ["get"]
        case .binding:
            entry["kind"] = "Binding"
            entry["verbs"] = ["create"]
        case .token:
            another("authentication.k8s.io", "v1", "TokenRequest")
            entry["verbs"] = ["create"]
        }
        return entry
    }
}
