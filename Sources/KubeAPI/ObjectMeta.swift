package import FoundationEssentials
package import JSONModel

/// A typed view of an object's `metadata`. Fields we have no name for stay untouched in `json`.
package struct ObjectMeta: Hashable, Sendable {
    package var json: JSON

    package init(_ json: JSON) { self.json = json }

    package init(name: String, namespace: String? = nil, labels: [String: String] = [:], annotations: [String: String] = [:]) {
        self.json = .object([:])
        self.name = name
        self.namespace = namespace
        self.labels = labels
        self.annotations = annotations
    }

    /// Empty where the object has no name yet (`generateName`).
    package var name: String {
        get { self.json["name"]?.string ?? "" }
        set { self.json["name"] = .string(newValue) }
    }

    /// Nil for cluster-scoped objects; an empty text counts as none.
    package var namespace: String? {
        get { self.text("namespace") }
        set { self.json["namespace"] = newValue.map(JSON.string) }
    }

    package var uid: String {
        get { self.json["uid"]?.string ?? "" }
        set { self.json["uid"] = .string(newValue) }
    }

    /// Opaque: only equality means anything.
    package var resourceVersion: String? {
        get { self.text("resourceVersion") }
        set { self.json["resourceVersion"] = newValue.map(JSON.string) }
    }

    /// Counts changes of the spec. 0 where the server keeps none.
    package var generation: Int {
        get { self.json["generation"]?.int ?? 0 }
        set { self.json["generation"] = JSON(newValue) }
    }

    package var labels: [String: String] {
        get { self.texts("labels") }
        set { self.setTexts("labels", newValue) }
    }

    package var annotations: [String: String] {
        get { self.texts("annotations") }
        set { self.setTexts("annotations", newValue) }
    }

    package var ownerReferences: [OwnerReference] {
        get { (self.json["ownerReferences"]?.array ?? []).compactMap(OwnerReference.init) }
        set { self.json["ownerReferences"] = newValue.isEmpty ? nil : .array(newValue.map(\.json)) }
    }

    package var finalizers: [String] {
        get { (self.json["finalizers"]?.array ?? []).compactMap(\.string) }
        set { self.json["finalizers"] = newValue.isEmpty ? nil : .array(newValue.map(JSON.string)) }
    }

    package var creationTimestamp: Date? { self.text("creationTimestamp").flatMap(Date.init(rfc3339:)) }

    /// Set once deletion was asked for and something (a finalizer, a grace period) still holds the object.
    package var deletionTimestamp: Date? { self.text("deletionTimestamp").flatMap(Date.init(rfc3339:)) }

    package var isBeingDeleted: Bool { self.text("deletionTimestamp") != nil }

    package var key: ObjectKey { ObjectKey(namespace: self.namespace, name: self.name) }

    /// The owner that manages the object's life as its controller, if any.
    package var controller: OwnerReference? { self.ownerReferences.first { $0.isController } }

    private func text(_ field: String) -> String? {
        guard let text = self.json[field]?.string, !text.isEmpty else { return nil }
        return text
    }

    private func texts(_ field: String) -> [String: String] { (self.json[field]?.object ?? [:]).compactMapValues(\.string) }

    private mutating func setTexts(_ field: String, _ texts: [String: String]) {
        self.json[field] = texts.isEmpty ? nil : .object(texts.mapValues(JSON.string))
    }
}

/// Says whose child an object is. Garbage collection follows these.
package struct OwnerReference: Hashable, Sendable {
    package var apiVersion: String
    package var kind: String
    package var name: String
    package var uid: String
    package var isController: Bool
    package var blocksOwnerDeletion: Bool

    package init(
        apiVersion: String, kind: String, name: String, uid: String, isController: Bool = false, blocksOwnerDeletion: Bool = false
    ) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
        self.isController = isController
        self.blocksOwnerDeletion = blocksOwnerDeletion
    }

    /// A reference to `owner`, which must carry the uid the server gave it.
    package init(controller owner: KubeObject) {
        self.init(
            apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid, isController: true,
            blocksOwnerDeletion: true)
    }

    package init?(_ json: JSON) {
        guard let kind = json["kind"]?.string, let name = json["name"]?.string, let uid = json["uid"]?.string else { return nil }
        self.init(
            apiVersion: json["apiVersion"]?.string ?? "", kind: kind, name: name, uid: uid,
            isController: json["controller"]?.bool ?? false, blocksOwnerDeletion: json["blockOwnerDeletion"]?.bool ?? false)
    }

    package var json: JSON {
        var json: JSON = [
            "apiVersion": .string(self.apiVersion), "kind": .string(self.kind), "name": .string(self.name), "uid": .string(self.uid),
        ]
        if self.isController { json["controller"] = true }
        if self.blocksOwnerDeletion { json["blockOwnerDeletion"] = true }
        return json
    }
}
