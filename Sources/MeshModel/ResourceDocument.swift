package import JSONModel

/// A resource as a document, in either of its forms:
///
///     type: ZoneEgress            apiVersion: kuma.io/v1alpha1
///     name: zoneegress-1          kind: ZoneEgress
///     networking: …               metadata: {name: zoneegress-1}
///                                 spec: {networking: …}
package struct ResourceDocument: Sendable {
    package let kind: ResourceKind
    /// Nil for kinds that belong to no mesh.
    package let mesh: String?
    package let name: String
    package let labels: [String: String]
    package let spec: JSON

    package init(kind: ResourceKind, mesh: String?, name: String, labels: [String: String] = [:], spec: JSON) {
        self.kind = kind
        self.mesh = kind.isOfMesh ? mesh ?? MeshName.default.text : nil
        self.name = name
        self.labels = labels
        self.spec = spec
    }

    /// Reads a document and checks it whole.
    package init(_ json: JSON) throws(InvalidResource) {
        guard json.object != nil else {
            throw InvalidResource([
                Violation(field: "", message: "must be an object with the fields of a resource, is of type \(json.typeName)")
            ])
        }
        let document =
            json["apiVersion"] != nil || json["kind"] != nil ? try Self.fromKubernetes(json) : try Self.fromUniversal(json)
        if document.name.isEmpty { throw InvalidResource([Violation(field: "name", message: "cannot be empty")]) }
        if document.name.utf8.count > 253 || !document.name.utf8.allSatisfy(Characters.name) {
            throw InvalidResource([
                Violation(
                    field: "name",
                    message: "has at most 253 characters: lower case alphanumeric ones, '-', '.' and '_'; is \"\(document.name)\"")
            ])
        }
        try document.kind.check(document.name, document.mesh, document.spec)
        self = document
    }

    private static func fromUniversal(_ json: JSON) throws(InvalidResource) -> ResourceDocument {
        let kind = try Self.kind(json["type"], field: "type")
        let fields = Fields(json)
        fields.refuseUnknown(kind.nestsSpec ? Self.envelope.union(["spec"]) : Self.envelope.union(kind.fields))
        var spec: JSON = [:]
        if kind.nestsSpec {
            spec = json["spec"] ?? [:]
        } else {
            for (key, value) in json.object ?? [:] where !Self.envelope.contains(key) { spec[key] = value }
        }
        return try ResourceDocument(
            kind: kind, mesh: json["mesh"]?.string, name: json["name"]?.string ?? "", labels: Self.labels(json["labels"]), spec: spec
        ).checked(fields)
    }

    /// Fields beside those of the kind. What the control plane adds to a resource that it shows is taken back, and not looked at.
    private static let envelope: Set<String> = ["type", "name", "mesh", "labels", "status", "creationTime", "modificationTime", "kri"]

    /// - Parameter fields: of the document, with what is wrong so far.
    private func checked(_ fields: Fields) throws(InvalidResource) -> ResourceDocument {
        if self.kind.nestsSpec, self.spec.object != nil { fields.object("spec")?.refuseUnknown(self.kind.fields) }
        if !fields.violations.isEmpty { throw InvalidResource(fields.violations) }
        return self
    }

    private static func fromKubernetes(_ json: JSON) throws(InvalidResource) -> ResourceDocument {
        guard json["apiVersion"] == "kuma.io/v1alpha1" else {
            throw InvalidResource([
                Violation(field: "apiVersion", message: "has to be kuma.io/v1alpha1, is \(json["apiVersion"]?.string ?? "missing")")
            ])
        }
        let kind = try Self.kind(json["kind"], field: "kind")
        let labels = Self.labels(json.at("metadata", "labels"))
        let fields = Fields(json)
        fields.refuseUnknown(["apiVersion", "kind", "metadata", "mesh", "spec", "status"])
        if !kind.nestsSpec { fields.object("spec")?.refuseUnknown(kind.fields) }
        return try ResourceDocument(
            kind: kind, mesh: json["mesh"]?.string ?? labels["kuma.io/mesh"], name: json.at("metadata", "name")?.string ?? "",
            labels: labels, spec: json["spec"] ?? [:]
        ).checked(fields)
    }

    private static func kind(_ json: JSON?, field: String) throws(InvalidResource) -> ResourceKind {
        let known = ResourceKind.all.map(\.name).joined(separator: ", ")
        guard let text = json?.string, !text.isEmpty else {
            throw InvalidResource([Violation(field: field, message: "is missing; it has to be one of \(known)")])
        }
        guard let kind = ResourceKind.named(text) else {
            throw InvalidResource([Violation(field: field, message: "has to be one of \(known); is \"\(text)\"")])
        }
        return kind
    }

    private static func labels(_ json: JSON?) -> [String: String] { (json?.object ?? [:]).compactMapValues(\.string) }

    /// The universal form.
    package var universal: JSON {
        var json: JSON = self.kind.nestsSpec ? ["spec": self.spec] : self.spec
        json["type"] = .string(self.kind.name)
        json["name"] = .string(self.name)
        json["mesh"] = self.mesh.map(JSON.string)
        if !self.labels.isEmpty { json["labels"] = .object(self.labels.mapValues(JSON.string)) }
        return json
    }
}
