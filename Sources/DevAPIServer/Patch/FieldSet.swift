import JSONModel

/// One step of an owned field's path, as `managedFields` spells it.
enum PathElement: Hashable, Sendable {
    case field(String)
    case key([String: JSON])
    case value(JSON)
    case index(Int)

    init?(_ text: String) {
        guard text.count >= 2, text.dropFirst().first == ":" else { return nil }
        let rest = String(text.dropFirst(2))
        switch text.first {
        case "f": self = .field(rest)
        case "k": guard let key = (try? JSON(parsing: rest))?.object else { return nil }; self = .key(key)
        case "v": guard let value = try? JSON(parsing: rest) else { return nil }; self = .value(value)
        case "i": guard let index = Int(rest) else { return nil }; self = .index(index)
        default: return nil
        }
    }

    /// `f:name`, `k:{"name":"x"}`, `v:"x"`, `i:0`
    var text: String {
        switch self {
        case .field(let name): "f:\(name)"
        case .key(let key): "k:\(JSON.object(key).text)"
        case .value(let value): "v:\(value.text)"
        case .index(let index): "i:\(index)"
        }
    }

    /// As conflict messages print it: `.name`, `[name="x"]`, `[="x"]`, `[0]`.
    var shown: String {
        switch self {
        case .field(let name): ".\(name)"
        case .key(let key): "[\(key.keys.sorted().map { "\($0)=\(key[$0]?.text ?? "")" }.joined(separator: ","))]"
        case .value(let value): "[=\(value.text)]"
        case .index(let index): "[\(index)]"
        }
    }
}

/// A set of field paths, kept as a tree.
struct FieldSet: Hashable, Sendable {
    /// Whether the path that leads here is itself in the set (`.` in FieldsV1).
    var isMember = false
    private(set) var children: [PathElement: FieldSet] = [:]

    static let empty = FieldSet()

    var isEmpty: Bool { !self.isMember && self.children.isEmpty }

    func child(_ element: PathElement) -> FieldSet { self.children[element] ?? .empty }

    mutating func setChild(_ element: PathElement, _ child: FieldSet) { self.children[element] = child.isEmpty ? nil : child }

    mutating func insert(_ path: some Collection<PathElement>) {
        guard let first = path.first else {
            self.isMember = true
            return
        }
        var child = self.child(first)
        child.insert(path.dropFirst())
        self.children[first] = child
    }

    mutating func remove(_ path: some Collection<PathElement>, withDescendants: Bool = true) {
        guard let first = path.first else {
            self = .empty
            return
        }
        var child = self.child(first)
        child.remove(path.dropFirst(), withDescendants: withDescendants)
        self.setChild(first, child)
    }

    func union(_ other: FieldSet) -> FieldSet {
        var result = self
        result.isMember = self.isMember || other.isMember
        for (element, child) in other.children { result.setChild(element, result.child(element).union(child)) }
        return result
    }

    func intersection(_ other: FieldSet) -> FieldSet {
        var result = FieldSet(isMember: self.isMember && other.isMember)
        for (element, child) in self.children { result.setChild(element, child.intersection(other.child(element))) }
        return result
    }

    func difference(_ other: FieldSet) -> FieldSet {
        var result = FieldSet(isMember: self.isMember && !other.isMember)
        for (element, child) in self.children { result.setChild(element, child.difference(other.child(element))) }
        return result
    }

    /// Every member's path: at each level first the members, then what lies below.
    var paths: [[PathElement]] {
        let sorted = self.children.sorted { $0.key.text < $1.key.text }
        let members = sorted.filter(\.value.isMember).map { [$0.key] }
        return members + sorted.flatMap { element, child in child.paths.map { [element] + $0 } }
    }
}

extension FieldSet {
    init(isMember: Bool) { self.init(isMember: isMember, children: [:]) }

    /// Reads FieldsV1. Entries that are not path elements are skipped.
    init(fieldsV1 json: JSON) {
        self.init()
        guard let members = json.object else { return }
        if members.isEmpty { self.isMember = true }
        for (name, child) in members {
            if name == "." {
                self.isMember = true
            } else if let element = PathElement(name) {
                self.setChild(element, FieldSet(fieldsV1: child))
            }
        }
    }

    var fieldsV1: JSON {
        var members: [String: JSON] = [:]
        if self.isMember, !self.children.isEmpty { members["."] = [:] }
        for (element, child) in self.children { members[element.text] = child.fieldsV1 }
        return .object(members)
    }
}
