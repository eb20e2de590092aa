package import JSONModel

/// One request to the API server as a value. The transport adds where the server is and who asks, nothing else.
package struct KubeRequest: Hashable, Sendable {
    package enum Method: String, Hashable, Sendable { case get = "GET", post = "POST", put = "PUT", patch = "PATCH", delete = "DELETE" }

    package struct QueryItem: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var method: Method
    /// Percent-encoded.
    package var path: String
    /// Not yet encoded.
    package var query: [QueryItem]
    /// `nil` sends no content-type; only requests with a body have one.
    package var contentType: String?
    package var accept: String
    package var body: JSON?

    package init(
        _ method: Method, _ path: String, query: [QueryItem] = [], contentType: String? = nil, accept: String = "application/json",
        body: JSON? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.contentType = body == nil ? nil : contentType ?? "application/json"
        self.accept = accept
        self.body = body
    }

    /// Path and encoded query: what follows the host in a URL.
    package var target: String {
        guard !self.query.isEmpty else { return self.path }
        let items = self.query.map { "\(PercentEncoding.query($0.name))=\(PercentEncoding.query($0.value))" }
        return "\(self.path)?\(items.joined(separator: "&"))"
    }

    /// Whether sending it twice does what sending it once does, so that a lost answer may be asked for again.
    /// Server-side apply is; other patches and creates are not.
    package var isIdempotent: Bool {
        switch self.method {
        case .get, .put, .delete: true
        case .patch: self.contentType == PatchKind.apply.rawValue
        case .post: false
        }
    }
}

/// The patch languages of the API, by content type.
package enum PatchKind: String, Hashable, Sendable {
    case merge = "application/merge-patch+json"
    case json = "application/json-patch+json"
    case strategic = "application/strategic-merge-patch+json"
    /// Server-side apply. The type's name says YAML; JSON is YAML.
    case apply = "application/apply-patch+yaml"
}

/// What happens to the children of a deleted object.
package enum DeletionPropagation: String, Hashable, Sendable {
    case background = "Background", foreground = "Foreground", orphan = "Orphan"
}
