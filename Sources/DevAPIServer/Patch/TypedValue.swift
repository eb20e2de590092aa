import JSONModel

/// Values read with their schema: which fields they have, how they differ, how they merge. The rules are those of
/// structured-merge-diff, on which server-side apply stands.
enum TypedValue {
    /// How a node is owned.
    private enum Shape {
        case leaf
        case object
        case list(Schema.ListForm)
    }

    private static func shape(_ value: JSON, _ schema: Schema?) -> Shape {
        switch value {
        case .object: schema?.node.isAtomic == true ? .leaf : .object
        case .array:
            switch schema?.node.list ?? .atomic {
            case .atomic: .leaf
            case let form: .list(form)
            }
        default: .leaf
        }
    }

    static func element(_ value: JSON, _ index: Int, _ form: Schema.ListForm, _ items: Schema?) -> PathElement {
        switch form {
        case .atomic: return .index(index)
        case .set: return .value(value)
        case .map(let keys):
            var key: [String: JSON] = [:]
            for name in keys { key[name] = value[name] ?? items?.node.properties[name]?.node.defaultValue }
            return .key(key)
        }
    }

    /// Every field a value sets.
    static func fields(of value: JSON, schema: Schema?) -> FieldSet {
        var set = FieldSet()
        switch Self.shape(value, schema) {
        case .leaf: set.isMember = true
        case .object:
            for (name, child) in value.object ?? [:] {
                var inner = Self.fields(of: child, schema: schema?.member(name))
                let isDeclared = schema?.node.properties[name] != nil
                if child.isNull || child.object?.isEmpty == true || !isDeclared { inner.isMember = true }
                set.setChild(.field(name), inner)
            }
        case .list(let form):
            for (index, child) in (value.array ?? []).enumerated() {
                var inner = Self.fields(of: child, schema: schema?.node.items)
                inner.isMember = true
                set.setChild(Self.element(child, index, form, schema?.node.items), inner)
            }
        }
        return set
    }

    struct Comparison: Equatable {
        var added = FieldSet()
        var removed = FieldSet()
        var modified = FieldSet()

        var isSame: Bool { self.added.isEmpty && self.removed.isEmpty && self.modified.isEmpty }
    }

    static func compare(_ old: JSON?, _ new: JSON?, schema: Schema?) -> Comparison {
        var result = Comparison()
        switch (old, new) {
        case (nil, nil): break
        case (nil, let new?):
            result.added = Self.everyNode(of: new, schema: schema)
        case (let old?, nil):
            result.removed = Self.everyNode(of: old, schema: schema)
        case (let old?, let new?):
            guard old != new else { break }
            switch (Self.shape(old, schema), Self.shape(new, schema)) {
            case (.object, .object):
                for name in Set((old.object ?? [:]).keys).union((new.object ?? [:]).keys) {
                    result.adopt(Self.compare(old[name], new[name], schema: schema?.member(name)), under: .field(name))
                }
            case (.list(let form), .list):
                let items = schema?.node.items
                let olds = Self.indexed(old, form, items)
                let news = Self.indexed(new, form, items)
                for element in Set(olds.keys).union(news.keys) {
                    result.adopt(Self.compare(olds[element], news[element], schema: items), under: element)
                }
            default: result.modified.isMember = true
            }
        }
        return result
    }

    /// All nodes of a value that appeared or vanished as a whole.
    private static func everyNode(of value: JSON, schema: Schema?) -> FieldSet {
        var set = FieldSet(isMember: true)
        switch Self.shape(value, schema) {
        case .leaf: break
        case .object:
            for (name, child) in value.object ?? [:] { set.setChild(.field(name), Self.everyNode(of: child, schema: schema?.member(name))) }
        case .list(let form):
            for (element, child) in Self.indexed(value, form, schema?.node.items) {
                set.setChild(element, Self.everyNode(of: child, schema: schema?.node.items))
            }
        }
        return set
    }

    private static func indexed(_ list: JSON, _ form: Schema.ListForm, _ items: Schema?) -> [PathElement: JSON] {
        var found: [PathElement: JSON] = [:]
        for (index, child) in (list.array ?? []).enumerated() { found[Self.element(child, index, form, items)] = child }
        return found
    }

    /// Lays the applied value over the live one.
    static func merge(_ live: JSON?, _ applied: JSON, schema: Schema?) -> JSON {
        guard let live, !live.isNull else { return applied }
        switch (Self.shape(live, schema), Self.shape(applied, schema)) {
        case (.object, .object):
            var members = live.object ?? [:]
            for (name, child) in applied.object ?? [:] { members[name] = Self.merge(members[name], child, schema: schema?.member(name)) }
            return .object(members)
        case (.list(let form), .list): return Self.mergeLists(live, applied, form, schema?.node.items)
        default: return applied
        }
    }

    /// Keeps the applied list's order among its own elements and lets the others stay between them.
    private static func mergeLists(_ live: JSON, _ applied: JSON, _ form: Schema.ListForm, _ items: Schema?) -> JSON {
        let left = live.array ?? []
        let right = applied.array ?? []
        let leftKeys = left.enumerated().map { Self.element($1, $0, form, items) }
        let rightKeys = right.enumerated().map { Self.element($1, $0, form, items) }
        let leftByKey = Dictionary(zip(leftKeys, left), uniquingKeysWith: { first, _ in first })
        let rightSet = Set(rightKeys)
        var shared = rightKeys.filter { leftByKey[$0] != nil }[...]
        var mergedKeys: Set<PathElement> = []
        var out: [JSON] = []
        var l = 0
        var r = 0
        while l < left.count || r < right.count {
            if l < left.count, r < right.count {
                if leftKeys[l] == rightKeys[r] {
                    mergedKeys.insert(leftKeys[l])
                    out.append(Self.merge(left[l], right[r], schema: items))
                    if shared.first == leftKeys[l] { shared = shared.dropFirst() }
                    l += 1
                    r += 1
                    continue
                }
                if rightSet.contains(leftKeys[l]), let next = shared.first, next != leftKeys[l] {
                    l += 1
                    continue
                }
            }
            if l < left.count {
                if !rightSet.contains(leftKeys[l]) {
                    out.append(left[l])
                    l += 1
                    continue
                }
                if mergedKeys.contains(leftKeys[l]) { l += 1 }
            }
            if r < right.count {
                let key = rightKeys[r]
                mergedKeys.insert(key)
                out.append(Self.merge(leftByKey[key], right[r], schema: items))
                if shared.first == key { shared = shared.dropFirst() }
                r += 1
            }
        }
        return .array(out)
    }

    /// Takes the set's members out of the value; nil when nothing is left of an object or list.
    static func remove(_ set: FieldSet, from value: JSON, schema: Schema?) -> JSON? {
        switch Self.shape(value, schema) {
        case .leaf: return value
        case .object:
            var members: [String: JSON] = [:]
            for (name, child) in value.object ?? [:] {
                let inner = set.child(.field(name))
                if inner.isMember { continue }
                members[name] = inner.isEmpty ? child : Self.remove(inner, from: child, schema: schema?.member(name))
            }
            return members.isEmpty && value.object?.isEmpty == false ? .none : .object(members)
        case .list(let form):
            let items = schema?.node.items
            var elements: [JSON] = []
            for (index, child) in (value.array ?? []).enumerated() {
                let inner = set.child(Self.element(child, index, form, items))
                if inner.isMember { continue }
                if let kept = inner.isEmpty ? child : Self.remove(inner, from: child, schema: items) { elements.append(kept) }
            }
            return elements.isEmpty && value.array?.isEmpty == false ? .none : .array(elements)
        }
    }

    /// Adds declared fields on the way to members, as removal treats an object whose fields all went as gone.
    static func withNamedFields(_ set: FieldSet, schema: Schema?) -> FieldSet {
        var result = FieldSet(isMember: set.isMember)
        for (element, child) in set.children {
            var inner: FieldSet
            switch element {
            case .field(let name):
                inner = Self.withNamedFields(child, schema: schema?.member(name))
                if schema?.node.properties[name] != nil { inner.isMember = true }
            case .key, .value, .index: inner = Self.withNamedFields(child, schema: schema?.node.items)
            }
            result.setChild(element, inner)
        }
        return result
    }
}

extension TypedValue.Comparison {
    fileprivate mutating func adopt(_ inner: Self, under element: PathElement) {
        self.added.setChild(element, inner.added)
        self.removed.setChild(element, inner.removed)
        self.modified.setChild(element, inner.modified)
    }
}
