package import JSONModel

/// Any Kubernetes object: its JSON with names for the parts every kind has.
package struct KubeObject: Hashable, Sendable {
    package var json: JSON

    package init(_ json: JSON) { self.json = json }

    /// A new object of a known type; other members are added by subscript: `object["spec"] = …`.
    package init(
        _ type: ResourceType, name: String, namespace: String? = nil, labels: [String: String] = [:], annotations: [String: String] = [:]
    ) {
        self.json = ["apiVersion": .string(type.apiVersion), "kind": .string(type.kind)]
        self.metadata = ObjectMeta(name: name, namespace: namespace, labels: labels, annotations: annotations)
    }

    package var apiVersion: String {
        get { self.json["apiVersion"]?.string ?? "" }
        set { self.json["apiVersion"] = .string(newValue) }
    }

    package var kind: String {
        get { self.json["kind"]?.string ?? "" }
        set { self.json["kind"] = .string(newValue) }
    }

    package var metadata: ObjectMeta {
        get { ObjectMeta(self.json["metadata"] ?? .object([:])) }
        set { self.json["metadata"] = newValue.json }
    }

    package var key: ObjectKey { self.metadata.key }
    package var name: String { self.metadata.name }
    package var namespace: String? { self.metadata.namespace }

    /// An empty object where there is none, so that reading on needs no unwrapping.
    package var spec: JSON {
        get { self.json["spec"] ?? .object([:]) }
        set { self.json["spec"] = newValue }
    }

    package var status: JSON {
        get { self.json["status"] ?? .object([:]) }
        set { self.json["status"] = newValue }
    }

    package subscript(_ member: String) -> JSON? {
        get { self.json[member] }
        set { self.json[member] = newValue }
    }

    /// `Kind/name` or `Kind/namespace/name`: how logs and messages call the object.
    package var displayName: String { "\(self.kind)/\(self.key)" }

    /// The group part of `apiVersion`; empty for the core group.
    package var group: String {
        let parts = self.apiVersion.split(separator: "/", maxSplits: 1)
        return parts.count == 2 ? String(parts[0]) : ""
    }

    package var version: String { self.apiVersion.split(separator: "/").last.map(String.init) ?? "" }
}
