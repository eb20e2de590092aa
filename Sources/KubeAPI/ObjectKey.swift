/// Names one object of a kind. Cluster-scoped objects have no namespace.
package struct ObjectKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var namespace: String?
    package var name: String

    package init(namespace: String? = nil, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// `namespace/name`, or just `name`: the form logs and work queues show.
    package var description: String { self.namespace.map { "\($0)/\(self.name)" } ?? self.name }

    package static func < (left: Self, right: Self) -> Bool {
        (left.namespace ?? "", left.name) < (right.namespace ?? "", right.name)
    }
}
