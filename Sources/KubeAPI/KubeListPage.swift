package import JSONModel

/// One page of a list.
package struct KubeListPage: Hashable, Sendable {
    package var objects: [KubeObject]
    /// Asks for the next page; nil on the last.
    package var continueToken: String?
    /// As of when the whole list is true; where a watch begins.
    package var resourceVersion: String

    /// Items of typed lists come without `apiVersion` and `kind`; they get those of `type`.
    package init(_ json: JSON, of type: ResourceType) {
        self.objects = (json["items"]?.array ?? []).map { item in
            var object = KubeObject(item)
            if object.kind.isEmpty {
                object.apiVersion = type.apiVersion
                object.kind = type.kind
            }
            return object
        }
        let token = json.at("metadata", "continue")?.string
        self.continueToken = token?.isEmpty == false ? token : nil
        self.resourceVersion = json.at("metadata", "resourceVersion")?.string ?? ""
    }
}
