import FoundationEssentials
package import JSONModel
import MeshModel

/// A resource on its way between control planes: one line of canonical JSON.
///
///     {"ExternalService":{"labels":{},"mesh":"default","name":"httpbin","spec":{…}}}
///
/// Beside resources there are `<Kind>Insight`s, which say of a resource of the same mesh and name what its zone knows.
package struct SharedItem: Hashable, Sendable {
    package struct ID: Hashable, Sendable, Comparable, CustomStringConvertible {
        package var kind: String
        /// Empty for kinds that belong to none.
        package var mesh: String
        package var name: String

        package init(kind: String, mesh: String = "", name: String) {
            self.kind = kind
            self.mesh = mesh
            self.name = name
        }

        package var description: String {
            self.mesh.isEmpty ? "\(self.kind) \(self.name)" : "\(self.kind) \(self.name) of mesh \(self.mesh)"
        }

        package static func < (left: Self, right: Self) -> Bool {
            (left.kind, left.mesh, left.name) < (right.kind, right.mesh, right.name)
        }
    }

    package var id: ID
    package var labels: [String: String]
    /// The fields in the universal form, without type, mesh and name.
    package var spec: JSON

    package init(_ id: ID, labels: [String: String] = [:], spec: JSON) {
        self.id = id
        self.labels = labels
        self.spec = spec
    }
}

extension SharedItem {
    private var json: JSON {
        [
            self.id.kind: [
                "labels": .object(self.labels.mapValues(JSON.string)), "mesh": .string(self.id.mesh), "name": .string(self.id.name),
                "spec": self.spec,
            ]
        ]
    }

    /// Another one for another item.
    package var fingerprint: String { FNV1a.hex(FNV1a.hash(self.json.text)) }

    /// Without a line feed.
    var line: [UInt8] { Array(self.json.data) }

    /// Nil for a line of another form.
    init?(line: ArraySlice<UInt8>) {
        guard let members = (try? JSON(parsing: Data(line)))?.object, let (kind, body) = members.first, members.count == 1,
            let name = body["name"]?.string, let mesh = body["mesh"]?.string, let spec = body["spec"], !kind.isEmpty, !name.isEmpty
        else { return nil }
        self.init(
            ID(kind: kind, mesh: mesh, name: name), labels: (body["labels"]?.object ?? [:]).compactMapValues(\.string), spec: spec)
    }
}
