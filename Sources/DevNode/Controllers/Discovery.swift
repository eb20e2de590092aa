import JSONModel
import KubeAPI
import KubeRuntime

/// The kinds the API serves, each in its group's preferred version.
enum Discovery {
    /// Kinds that own nothing, are owned by nobody, and change all the time.
    private static let ignored: Set<String> = ["events", "events.events.k8s.io", "leases.coordination.k8s.io"]

    static func types(_ client: KubeClient) async throws(KubeError) -> [ResourceType] {
        var types = Self.types(try await client.send(KubeRequest(.get, "/api/v1")))
        for group in try await client.send(KubeRequest(.get, "/apis"))["groups"].elements {
            guard let version = group.at("preferredVersion", "groupVersion")?.string else { continue }
            // An extension server that is down hides its own kinds only.
            guard let list = try? await client.send(KubeRequest(.get, "/apis/\(version)")) else { continue }
            types += Self.types(list)
        }
        return types
    }

    static func types(_ list: JSON) -> [ResourceType] {
        let parts = (list["groupVersion"]?.string ?? "").split(separator: "/").map(String.init)
        guard let version = parts.last else { return [] }
        return list["resources"].elements.compactMap { resource in
            let verbs = Set(resource["verbs"].strings)
            guard let plural = resource["name"]?.string, let kind = resource["kind"]?.string, !plural.contains("/"),
                verbs.isSuperset(of: ["list", "watch", "delete"])
            else { return nil }
            let type = ResourceType(
                group: parts.count == 2 ? parts[0] : "", version: version, plural: plural, kind: kind,
                isNamespaced: resource["namespaced"]?.bool ?? false)
            return Self.ignored.contains(type.groupResource) ? nil : type
        }
    }
}
