internal import CYAML
internal import JSONModel

/// Builds JSON values from libyaml's events.
///
/// Limits keep a small file from becoming a large problem: the nesting, and how many values aliases may multiply into.
struct YAMLParser {
    static let maxDepth = 200
    static let maxAliasedNodes = 100_000

    struct Node {
        var value: JSON
        /// Values inside, this one included: what an alias to it costs.
        var count: Int
    }

    let file: String
    private var anchors: [String: Node] = [:]
    /// Anchors of collections still being read: an alias to one would contain itself.
    private var openAnchors: Set<String> = []
    private var aliasedNodes = 0

    init(file: String) { self.file = file }

    mutating func documents(in text: String) throws(YAMLError) -> [JSON] {
        let events = try YAMLEvents(text, file: self.file)
        var documents: [JSON] = []
        while true {
            let event = try events.next()
            switch event.kind {
            case .streamStart, .documentEnd: continue
            case .streamEnd: return documents
            case .documentStart:
                self.anchors = [:]
                documents.append(try self.node(try events.next(), events, depth: 0).value)
            default: throw self.error(event, "is not where a document may start")
            }
        }
    }

    private mutating func node(_ event: YAMLEvents.Event, _ events: YAMLEvents, depth: Int) throws(YAMLError) -> Node {
        guard depth <= Self.maxDepth else { throw self.error(event, "is nested more than \(Self.maxDepth) deep") }
        switch event.kind {
        case .scalar(let text, let isPlain):
            let node = Node(value: try self.scalar(text, isPlain: isPlain, event), count: 1)
            if let anchor = event.anchor { self.anchors[anchor] = node }
            return node
        case .sequenceStart:
            try self.expect(event, tags: ["", "!", "tag:yaml.org,2002:seq"])
            return try self.collecting(event.anchor) { parser throws(YAMLError) in
                try parser.sequence(events, depth: depth)
            }
        case .mappingStart:
            try self.expect(event, tags: ["", "!", "tag:yaml.org,2002:map"])
            return try self.collecting(event.anchor) { parser throws(YAMLError) in
                try parser.mapping(events, depth: depth)
            }
        case .alias(let name): return try self.alias(name, event)
        default: throw self.error(event, "is not where a value may stand")
        }
    }

    private mutating func collecting(
        _ anchor: String?, _ read: (inout YAMLParser) throws(YAMLError) -> Node
    ) throws(YAMLError) -> Node {
        guard let anchor else { return try read(&self) }
        self.openAnchors.insert(anchor)
        let node = try read(&self)
        self.openAnchors.remove(anchor)
        self.anchors[anchor] = node
        return node
    }

    private mutating func alias(_ name: String, _ event: YAMLEvents.Event) throws(YAMLError) -> Node {
        guard !self.openAnchors.contains(name) else { throw self.error(event, "the alias *\(name) is inside what it stands for") }
        guard let node = self.anchors[name] else { throw self.error(event, "the alias *\(name) stands for nothing: there is no &\(name)") }
        self.aliasedNodes += node.count
        guard self.aliasedNodes <= Self.maxAliasedNodes else {
            throw self.error(event, "aliases multiply into more than \(Self.maxAliasedNodes) values")
        }
        return node
    }

    private mutating func sequence(_ events: YAMLEvents, depth: Int) throws(YAMLError) -> Node {
        var elements: [JSON] = []
        var count = 1
        while true {
            let event = try events.next()
            if case .sequenceEnd = event.kind { return Node(value: .array(elements), count: count) }
            let node = try self.node(event, events, depth: depth + 1)
            elements.append(node.value)
            count += node.count
        }
    }

    private mutating func mapping(_ events: YAMLEvents, depth: Int) throws(YAMLError) -> Node {
        var members: [String: JSON] = [:]
        var merged: [String: JSON] = [:]
        var count = 1
        while true {
            let event = try events.next()
            if case .mappingEnd = event.kind {
                return Node(value: .object(members.merging(merged) { own, _ in own }), count: count)
            }
            if case .scalar("<<", isPlain: true) = event.kind {
                let node = try self.node(try events.next(), events, depth: depth + 1)
                count += node.count
                try self.merge(node.value, into: &merged, event)
                continue
            }
            let key = try self.key(event, events, depth: depth)
            let node = try self.node(try events.next(), events, depth: depth + 1)
            count += node.count
            guard members.updateValue(node.value, forKey: key) == nil else {
                throw self.error(event, "\"\(key)\" is given twice in one mapping: keep one of them")
            }
        }
    }

    /// `<<: *base` or `<<: [*a, *b]`, of which earlier ones win. The mapping's own members win over all.
    private func merge(_ value: JSON, into merged: inout [String: JSON], _ event: YAMLEvents.Event) throws(YAMLError) {
        let sources = value.array ?? [value]
        for source in sources {
            guard let members = source.object else { throw self.error(event, "\"<<\" merges mappings, not \(source.typeName)") }
            merged.merge(members) { earlier, _ in earlier }
        }
    }

    /// JSON's names are texts; numbers and booleans become theirs, as in Kubernetes.
    private mutating func key(_ event: YAMLEvents.Event, _ events: YAMLEvents, depth: Int) throws(YAMLError) -> String {
        let value = try self.node(event, events, depth: depth + 1).value
        switch value {
        case .string(let text): return text
        case .int, .bool, .double: return value.text
        case .null, .array, .object: throw self.error(event, "a member's name must be a text, not \(value.typeName)")
        }
    }

    private func scalar(_ text: String, isPlain: Bool, _ event: YAMLEvents.Event) throws(YAMLError) -> JSON {
        let prefix = "tag:yaml.org,2002:"
        switch event.tag {
        case "" where isPlain: break
        case "", "!", prefix + "str": return .string(text)
        case prefix + "null", prefix + "bool", prefix + "int", prefix + "float": break
        default: throw self.error(event, "the tag \(event.tag) is not supported")
        }
        guard case .value(let value) = YAMLScalar.meaning(ofPlain: text) else {
            throw self.error(event, "\(text) is a number that JSON cannot say")
        }
        let fits =
            switch (event.tag.dropFirst(prefix.count), value) {
            case ("", _), ("null", .null), ("bool", .bool), ("int", .int), ("float", .int), ("float", .double): true
            default: false
            }
        guard fits else { throw self.error(event, "\"\(text)\" is not a value of type \(event.tag.dropFirst(prefix.count))") }
        return value
    }

    private func expect(_ event: YAMLEvents.Event, tags: [String]) throws(YAMLError) {
        guard tags.contains(event.tag) else { throw self.error(event, "the tag \(event.tag) is not supported") }
    }

    private func error(_ event: YAMLEvents.Event, _ reason: String) -> YAMLError {
        YAMLError(file: self.file, line: event.line, column: event.column, reason: reason)
    }
}
