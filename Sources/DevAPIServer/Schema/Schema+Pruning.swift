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
                guard let child = self.node.properties[name] else {
                    if (isRoot || self.node.isEmbeddedResource), ["apiVersion", "kind", "metadata"].contains(name) { continue }
                    if let common = self.node.additionalProperties {
                        unknown += common.prune(&members[name]!, at: path.key(name), isRoot: false)
                    } else if !self.node.preservesUnknownFields {
                        members[name] = nil
                        unknown.append(path.member(name).text)
                    }
                    continue
                }
                if members[name] == .null, !child.node.isNullable, !child.isUntyped {
                    members[name] = nil
                    continue
                }
                unknown += child.prune(&members[name]!, at: path.member(name), isRoot: false)
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
