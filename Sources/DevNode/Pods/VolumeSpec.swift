import JSONModel

/// A pod's volume. The four kinds whose content comes from the API are one: a list of projections.
struct VolumeSpec: Hashable, Sendable {
    var name: String
    var source: Source

    enum Source: Hashable, Sendable {
        case emptyDir
        case hostPath(String)
        case projected([Projection], mode: Int)
        /// The volume type as the API spells it.
        case unsupported(String)
    }

    enum Projection: Hashable, Sendable {
        /// Without items every key becomes a file.
        case object(DataObject, items: [KeyPath]?, optional: Bool)
        case fields([FieldFile])
        case token(audience: String?, lifetime: Duration, path: String)
    }

    struct KeyPath: Hashable, Sendable {
        var key: String
        var path: String
        var mode: Int?
    }

    struct FieldFile: Hashable, Sendable {
        var path: String
        var value: EnvironmentEntry.Value
        var mode: Int?
    }

    init(name: String, source: Source) {
        self.name = name
        self.source = source
    }

    init(_ volume: JSON) {
        self.name = volume["name"]?.string ?? ""
        let kinds = volume.members.keys.filter { $0 != "name" }
        if let projected = volume["projected"] {
            self.source = .projected(
                projected["sources"].elements.compactMap(Projection.init), mode: projected["defaultMode"]?.int ?? 0o644)
        } else if let map = volume["configMap"] {
            self.source = .projected([Projection(.configMap, map)], mode: map["defaultMode"]?.int ?? 0o644)
        } else if let secret = volume["secret"] {
            self.source = .projected([Projection(.secret, secret)], mode: secret["defaultMode"]?.int ?? 0o644)
        } else if let fields = volume["downwardAPI"] {
            self.source = .projected([.fields(Self.fields(fields))], mode: fields["defaultMode"]?.int ?? 0o644)
        } else if let path = volume.at("hostPath", "path")?.string {
            self.source = .hostPath(path)
        } else if volume["emptyDir"] != nil || kinds.isEmpty {
            self.source = .emptyDir
        } else {
            self.source = .unsupported(kinds.sorted().joined(separator: ", "))
        }
    }

    fileprivate static func fields(_ json: JSON) -> [FieldFile] {
        json["items"].elements.map { item in
            let value: EnvironmentEntry.Value =
                if let resource = item["resourceFieldRef"] {
                    .resource(ResourceField(resource))
                } else {
                    .field(item.at("fieldRef", "fieldPath")?.string ?? "")
                }
            return FieldFile(path: item["path"]?.string ?? "", value: value, mode: item["mode"]?.int)
        }
    }

    /// The objects whose change changes the volume's files.
    var objects: [DataObject] {
        guard case .projected(let projections, _) = self.source else { return [] }
        return projections.compactMap { if case .object(let object, _, _) = $0 { object } else { nil } }
    }
}

extension VolumeSpec.Projection {
    init?(_ source: JSON) {
        if let map = source["configMap"] {
            self.init(.configMap, map)
        } else if let secret = source["secret"] {
            self.init(.secret, secret)
        } else if let fields = source["downwardAPI"] {
            self = .fields(VolumeSpec.fields(fields))
        } else if let token = source["serviceAccountToken"] {
            self = .token(
                audience: token["audience"]?.string, lifetime: .seconds(token["expirationSeconds"]?.int ?? 3600),
                path: token["path"]?.string ?? "token")
        } else {
            return nil
        }
    }

    /// The members of a `configMap` or `secret` volume; a secret volume says `secretName` where the others say `name`.
    fileprivate init(_ kind: DataObject.Kind, _ json: JSON) {
        let items = json["items"]?.array?.map {
            VolumeSpec.KeyPath(key: $0["key"]?.string ?? "", path: $0["path"]?.string ?? "", mode: $0["mode"]?.int)
        }
        let name = json["secretName"]?.string ?? json["name"]?.string ?? ""
        self = .object(DataObject(kind: kind, name: name), items: items, optional: json["optional"]?.bool ?? false)
    }
}

extension JSON {
    fileprivate var members: [String: JSON] { self.object ?? [:] }
}
