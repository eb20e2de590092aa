import JSONModel

/// One kind as the API serves it.
struct ResourceType: Sendable {
    enum Subresource: String, Sendable, CaseIterable { case status, scale, log, binding, token }

    struct ScalePaths: Hashable, Sendable {
        var specReplicas: [String]
        var statusReplicas: [String]
        var selector: [String]?
    }

    var group: String
    var version: String
    var kind: String
    var listKind: String
    var plural: String
    var singular: String
    var shortNames: [String] = []
    var categories: [String] = []
    var isNamespaced: Bool
    var subresources: Set<Subresource> = []
    var verbs: [String] = Self.allVerbs
    var schema: Schema
    var scale: ScalePaths?
    var columns: [Column] = []
    /// Made from a CustomResourceDefinition.
    var isCustom = false
    /// `metadata.generation` is kept for this kind.
    var countsGenerations = false
    /// Deletion answers with the object, as pods and services do, instead of a Status.
    var returnsDeletedObject = false
    /// Further label paths that `fieldSelector` accepts.
    var selectableFields: [String] = []
    var behaviour = Behaviour()
    /// For a kind that is stored as another one.
    var storage: Storage?

    struct Storage: Sendable {
        var resource: String
        var toStored: @Sendable (JSON) -> JSON
        var fromStored: @Sendable (JSON) -> JSON
    }

    var storedAs: String { self.storage?.resource ?? self.qualifiedName }

    static let allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

    /// A new object before anything is set: built-in kinds are Go structs, whose inner structs are always there and so are
    /// never counted as set by whoever creates the object.
    var empty: JSON { self.isCustom ? ["metadata": [:]] : Self.emptyParts(self.schema, depth: 0) }

    private static func emptyParts(_ schema: Schema, depth: Int) -> JSON {
        var object: [String: JSON] = [:]
        for (name, child) in schema.node.properties {
            switch name {
            case "metadata", "spec", "status", "template", "strategy", "loadBalancer", "names", "scaleTargetRef":
                object[name] = Self.emptyParts(child, depth: depth + 1)
            case "containers": object[name] = []
            default: continue
            }
        }
        return .object(object)
    }

    var apiVersion: String { self.group.isEmpty ? self.version : "\(self.group)/\(self.version)" }
    /// `deployments.apps`: the storage's name and the one error messages use.
    var qualifiedName: String { self.group.isEmpty ? self.plural : "\(self.plural).\(self.group)" }
    var qualifiedKind: String { self.group.isEmpty ? self.kind : "\(self.kind).\(self.group)" }
    var hasStatus: Bool { self.subresources.contains(.status) }
}

/// What one kind does beyond its table: each a function of values.
struct Behaviour: Sendable {
    struct Context: Sendable {
        var now: String
        /// The namespace's other objects, by resource name, namespace and name.
        var lookUp: @Sendable (_ resource: String, _ namespace: String, _ name: String) -> JSON?
        /// All objects of a resource.
        var all: @Sendable (_ resource: String) -> [JSON]
        var randomNumber: @Sendable (Range<Int>) -> Int
    }

    /// Fills in what the schema's defaults cannot say; runs for create and update.
    var complete: (@Sendable (inout JSON, _ old: JSON?) -> Void)?
    /// Runs once, before a new object is stored.
    var prepareCreate: (@Sendable (inout JSON, Context) throws -> Void)?
    var prepareUpdate: (@Sendable (inout JSON, _ old: JSON) -> Void)?
    var validate: (@Sendable (JSON, _ old: JSON?) -> [FieldError])?
}
