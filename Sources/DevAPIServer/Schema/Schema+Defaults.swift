import JSONModel

extension Schema {
    /// Fills in defaults, also inside values that are themselves defaults.
    func fillDefaults(_ value: inout JSON) {
        switch value {
        case .object(var members):
            value = .null
            for (name, child) in self.node.properties {
                if members[name] == nil, let fallback = child.node.defaultValue { members[name] = fallback }
                if members[name] != nil { child.fillDefaults(&members[name]!) }
            }
            if let common = self.node.additionalProperties {
                for name in members.keys where self.node.properties[name] == nil { common.fillDefaults(&members[name]!) }
            }
            value = .object(members)
        case .array(var elements):
            guard let items = self.node.items else { return }
            value = .null
            for index in elements.indices { items.fillDefaults(&elements[index]) }
            value = .array(elements)
        default: return
        }
    }
}
