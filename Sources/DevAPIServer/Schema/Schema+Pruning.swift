import JSONModel

extension Schema {
    /// Removes what the schema does not declare, and nulls of fields that may not be null.
    /// - Returns: the paths of removed fields, for warnings and strict refusals. Nulls are not reported.
    func prune(_ value: inout JSON, at path: FieldPath = FieldPath(), isRoot: Bool = true) -> [String] {
        switch value {
        case .object(var members):
            value = .null
            defer { value = .object(members) }
            var unknown: [String] = []
            for name in members.keys.sorted() {
                guard let child = self.node.properties[name] ?? self.node.additionalProperties else {
                    if (isRoot || self.node.isEmbeddedResource), ["apiVersion", "kind", "metadata"].contains(name) { continue }
                    if !self.node.preservesUnknownFields {
                        members[name] = nil
                        unknown.append(path.member(name).text)
                    }
                    continue
                }
                if members[name] == .null, !child.node.isNullable, !child.isUntyped {
                    // Absent members get their defaults later, but nobody would miss a key of a map.
                    members[name] = self.node.properties[name] == nil ? child.node.defaultValue : nil
                    continue
                }
                let place = self.node.properties[name] == nil ? path.key(name) : path.member(name)
                unknown += child.prune(&members[name]!, at: place, isRoot: false)
            }
            return unknown
        case .array(var elements):
            guard let items = self.node.items else { return [] }
            value = .null
            defer { value = .array(elements) }
            return elements.indices.flatMap { items.prune(&elements[$0], at: path.index($0), isRoot: false) }
        default: return []
        }
    }

    private var isUntyped: Bool { self.node.form == nil && self.node.preservesUnknownFields }
}
