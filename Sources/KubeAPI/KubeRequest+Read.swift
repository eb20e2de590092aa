/// Narrows a list or a watch on the server's side.
package struct ObjectSelector: Hashable, Sendable {
    /// `app=web,tier in (a,b)`; empty selects all.
    package var labels: String
    /// `metadata.name=egret-config`; empty selects all.
    package var fields: String

    package init(labels: String = "", fields: String = "") {
        self.labels = labels
        self.fields = fields
    }

    package static let all = ObjectSelector()

    package static func named(_ name: String) -> ObjectSelector { ObjectSelector(fields: "metadata.name=\(name)") }

    var query: [KubeRequest.QueryItem] {
        var query: [KubeRequest.QueryItem] = []
        if !self.labels.isEmpty { query.append(.init("labelSelector", self.labels)) }
        if !self.fields.isEmpty { query.append(.init("fieldSelector", self.fields)) }
        return query
    }
}

extension KubeRequest {
    package static func get(_ type: ResourceType, _ name: String, namespace: String? = nil, subresource: String? = nil) -> Self {
        Self(.get, type.path(namespace: namespace, name: name, subresource: subresource))
    }

    /// One page of a collection. `continue` is the token of the page before.
    package static func list(
        _ type: ResourceType, namespace: String? = nil, selector: ObjectSelector = .all, limit: Int? = nil, continue token: String? = nil,
        resourceVersion: String? = nil
    ) -> Self {
        var query = selector.query
        if let limit { query.append(.init("limit", "\(limit)")) }
        if let token { query.append(.init("continue", token)) }
        // A continue token fixes the version; the server refuses both together.
        if let resourceVersion, token == nil { query.append(.init("resourceVersion", resourceVersion)) }
        return Self(.get, type.path(namespace: namespace), query: query)
    }

    /// Changes after `resourceVersion`, as one JSON object per line. The server ends the answer after `timeout`.
    package static func watch(
        _ type: ResourceType, namespace: String? = nil, selector: ObjectSelector = .all, resourceVersion: String,
        timeout: Duration = .seconds(290), bookmarks: Bool = true
    ) -> Self {
        var query: [QueryItem] = [.init("watch", "true")]
        query += selector.query
        query.append(.init("resourceVersion", resourceVersion))
        query.append(.init("timeoutSeconds", "\(timeout.components.seconds)"))
        if bookmarks { query.append(.init("allowWatchBookmarks", "true")) }
        return Self(.get, type.path(namespace: namespace), query: query)
    }
}
