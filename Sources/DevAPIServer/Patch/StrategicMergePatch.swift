import JSONModel

/// Kubernetes' strategic merge: as a merge patch, but lists with a merge key are joined element by element, and `$patch`,
/// `$deleteFromPrimitiveList`, `$setElementOrder` and `$retainKeys` steer it.
enum StrategicMergePatch {
    static func apply(_ patch: JSON, to target: JSON, schema: Schema?) throws(APIError) -> JSON {
        guard case .object(let changes) = patch else { return patch }
        switch changes["$patch"]?.string {
        case "replace": return .object(changes.filter { $0.key != "$patch" })
        case "delete": return .object([:])
        case nil, "merge": break
        case let other?: throw .badRequest("unknown $patch directive \"\(other)\" in the strategic merge patch")
        }
        var members = target.object ?? [:]
        if let kept = changes["$retainKeys"]?.array {
            let names = Set(kept.compactMap(\.string))
            members = members.filter { names.contains($0.key) }
        }
        for (name, change) in changes where !name.hasPrefix("$") {
            let child = schema?.member(name)
            if change.isNull {
                members[name] = nil
            } else if case .array(let elements) = change {
                members[name] = try Self.mergeList(
                    elements, into: members[name]?.array ?? [], schema: child, order: changes["$setElementOrder/\(name)"]?.array)
            } else if change.object != nil {
                members[name] = try Self.apply(change, to: members[name] ?? .null, schema: child)
            } else {
                members[name] = change
            }
        }
        for (name, list) in changes where name.hasPrefix("$deleteFromPrimitiveList/") {
            let field = String(name.dropFirst("$deleteFromPrimitiveList/".count))
            let removed = Set(list.array ?? [])
            members[field] = members[field].map { .array(($0.array ?? []).filter { !removed.contains($0) }) }
        }
        // An order without changes of the list itself still sorts it.
        for (name, order) in changes where name.hasPrefix("$setElementOrder/") {
            let field = String(name.dropFirst("$setElementOrder/".count))
            guard changes[field] == nil, let elements = members[field]?.array else { continue }
            let key = schema?.member(field)?.node.patchMergeKey
            members[field] = .array(Self.arrange(elements, as: order.array ?? [], live: elements, key: key))
        }
        return .object(members)
    }

    private static func mergeList(_ patch: [JSON], into target: [JSON], schema: Schema?, order: [JSON]?) throws(APIError) -> JSON {
        guard let key = schema?.node.patchMergeKey else {
            guard schema?.node.mergesPrimitives == true else { return .array(patch) }
            var merged = target
            for element in patch where !merged.contains(element) { merged.append(element) }
            return .array(Self.arrange(merged, as: order ?? patch, live: target, key: nil))
        }
        if patch.contains(where: { $0["$patch"] == "replace" && $0[key] == nil }) {
            return .array(patch.filter { $0["$patch"] == nil })
        }
        var merged = target
        for element in patch {
            guard let value = element[key] else {
                throw .badRequest("map: \(element.text) does not contain declared merge key: \(key)")
            }
            if element["$patch"] == "delete" {
                merged.removeAll { $0[key] == value }
            } else if let index = merged.firstIndex(where: { $0[key] == value }) {
                merged[index] = try Self.apply(element, to: merged[index], schema: schema?.node.items)
            } else {
                merged.append(try Self.apply(element, to: .null, schema: schema?.node.items))
            }
        }
        return .array(Self.arrange(merged, as: order ?? patch.filter { $0["$patch"] == nil }, live: target, key: key))
    }

    /// Elements named by the order come in that order. The others go between them as in the live list where it knows both,
    /// else behind: so an element that only the patch has comes first.
    private static func arrange(_ elements: [JSON], as order: [JSON], live: [JSON], key: String?) -> [JSON] {
        func identity(_ element: JSON) -> JSON { key.map { element[$0] ?? .null } ?? element }
        func ranks(_ list: [JSON]) -> [JSON: Int] {
            Dictionary(list.enumerated().map { (identity($1), $0) }, uniquingKeysWith: { first, _ in first })
        }
        func sorted(_ list: [JSON], _ ranks: [JSON: Int]) -> [JSON] {
            list.enumerated().sorted { (ranks[identity($0.element)] ?? .max, $0.offset) < (ranks[identity($1.element)] ?? .max, $1.offset) }
                .map(\.element)
        }
        let wanted = ranks(order)
        let present = ranks(live)
        var named = sorted(elements.filter { wanted[identity($0)] != nil }, wanted)[...]
        var others = sorted(elements.filter { wanted[identity($0)] == nil }, present)[...]
        var result: [JSON] = []
        while let other = others.first, let next = named.first {
            if let left = present[identity(other)], let right = present[identity(next)], left < right {
                result.append(others.removeFirst())
            } else {
                result.append(named.removeFirst())
            }
        }
        return result + named + others
    }
}
