import JSONModel

/// One element of a container's `env`.
struct EnvironmentEntry: Hashable, Sendable {
    var name: String
    var value: Value

    enum Value: Hashable, Sendable {
        case literal(String)
        case field(String)
        case resource(ResourceField)
        case key(KeyReference)
    }

    init(_ entry: JSON) {
        self.name = entry["name"]?.string ?? ""
        let source = entry["valueFrom"]
        if let path = source?.at("fieldRef", "fieldPath")?.string {
            self.value = .field(path)
        } else if let field = source?["resourceFieldRef"] {
            self.value = .resource(ResourceField(field))
        } else if let secret = source?["secretKeyRef"] {
            self.value = .key(KeyReference(.secret, secret))
        } else if let map = source?["configMapKeyRef"] {
            self.value = .key(KeyReference(.configMap, map))
        } else {
            self.value = .literal(entry["value"]?.string ?? "")
        }
    }
}

/// One element of a container's `envFrom`: every key of an object.
struct EnvironmentSource: Hashable, Sendable {
    var prefix: String
    var object: DataObject
    var optional: Bool

    init?(_ source: JSON) {
        self.prefix = source["prefix"]?.string ?? ""
        if let map = source["configMapRef"] {
            self.object = DataObject(kind: .configMap, name: map["name"]?.string ?? "")
            self.optional = map["optional"]?.bool ?? false
        } else if let secret = source["secretRef"] {
            self.object = DataObject(kind: .secret, name: secret["name"]?.string ?? "")
            self.optional = secret["optional"]?.bool ?? false
        } else {
            return nil
        }
    }
}

/// A ConfigMap or Secret of the pod's namespace.
struct DataObject: Hashable, Sendable, Comparable {
    enum Kind: String, Hashable, Sendable {
        case configMap = "ConfigMap"
        case secret = "Secret"
    }
    var kind: Kind
    var name: String

    static func < (left: Self, right: Self) -> Bool { (left.kind.rawValue, left.name) < (right.kind.rawValue, right.name) }
}

struct KeyReference: Hashable, Sendable {
    var object: DataObject
    var key: String
    var optional: Bool

    init(_ kind: DataObject.Kind, _ json: JSON) {
        self.object = DataObject(kind: kind, name: json["name"]?.string ?? "")
        self.key = json["key"]?.string ?? ""
        self.optional = json["optional"]?.bool ?? false
    }
}

struct ResourceField: Hashable, Sendable {
    /// nil: the container that asks.
    var container: String?
    /// For example `limits.memory`.
    var resource: String
    var divisor: String

    init(_ json: JSON) {
        self.container = json["containerName"]?.string
        self.resource = json["resource"]?.string ?? ""
        let divisor = json["divisor"]?.string ?? json["divisor"]?.int.map(String.init) ?? "1"
        self.divisor = divisor == "0" ? "1" : divisor
    }
}
