package import JSONModel

/// A resource read from its untyped form. The initialiser collects everything that is wrong.
package protocol MeshResource: Hashable, Sendable {
    static var kind: String { get }
    /// The newer policies keep their fields under `spec` in every form; the others have them beside `name`.
    static var nestsSpec: Bool { get }
    /// - Parameters:
    ///   - name: as stored; on Kubernetes `metadata.name`.
    ///   - mesh: which mesh the resource belongs to; ignored by kinds that belong to none.
    ///   - spec: the fields in the universal form, on Kubernetes `spec`.
    init(name: String, mesh: String?, spec: JSON) throws(InvalidResource)
}

extension MeshResource {
    package static var nestsSpec: Bool { false }

    /// Cross-field rules first, then whatever `read` found.
    static func check(name: String, spec: JSON, _ fields: Fields) throws(InvalidResource) {
        let object: JSON = ["metadata": ["name": .string(name)], "spec": spec.isNull ? [:] : spec]
        var violations = CrossFieldRules.violations(kind: Self.kind, object: object, nestsSpec: Self.nestsSpec)
        for violation in fields.violations where !violations.contains(violation) { violations.append(violation) }
        if !violations.isEmpty { throw InvalidResource(violations) }
    }

    /// The mesh of a resource that has to have one; without a word about it, `default`.
    static func mesh(_ name: String?, _ fields: Fields) -> MeshName {
        guard let name, !name.isEmpty else { return .default }
        do { return try MeshName(name) } catch {
            fields.violateResource("mesh", error.message)
            return .default
        }
    }
}
