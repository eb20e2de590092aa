/// One resource of the API: what a URL path and an object's `apiVersion` and `kind` are made of.
package struct ResourceType: Hashable, Sendable, CustomStringConvertible {
    /// Empty for the core group.
    package var group: String
    package var version: String
    /// Lower case, as in paths.
    package var plural: String
    package var kind: String
    package var isNamespaced: Bool

    package init(group: String, version: String, plural: String, kind: String, isNamespaced: Bool) {
        self.group = group
        self.version = version
        self.plural = plural
        self.kind = kind
        self.isNamespaced = isNamespaced
    }

    package var apiVersion: String { self.group.isEmpty ? self.version : "\(self.group)/\(self.version)" }

    /// `deployments.apps`, or `pods`: how error messages and RBAC call it.
    package var groupResource: String { self.group.isEmpty ? self.plural : "\(self.plural).\(self.group)" }

    package var description: String { self.groupResource }

    /// The URL path of a collection, an object or a subresource, each segment percent-encoded.
    /// Without a namespace, a namespaced type's collection is that of all namespaces.
    package func path(namespace: String? = nil, name: String? = nil, subresource: String? = nil) -> String {
        var path = self.group.isEmpty ? "/api/\(self.version)" : "/apis/\(self.group)/\(self.version)"
        if self.isNamespaced, let namespace { path += "/namespaces/\(PercentEncoding.segment(namespace))" }
        path += "/\(self.plural)"
        if let name { path += "/\(PercentEncoding.segment(name))" }
        if let subresource { path += "/\(subresource)" }
        return path
    }
}
