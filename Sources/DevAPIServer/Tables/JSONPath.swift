import JSONModel

/// The JSONPath that printer columns and scale paths use: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`,
/// `.metadata.labels['a.b/c']`, `.spec.ports[0].port`, `.spec.items[*].name`.
struct JSONPath: Hashable, Sendable {
    enum Step: Hashable, Sendable {
        case member(String)
        case index(Int)
        case every
        case filter(path: [String], equals: JSON, negated: Bool)
    }

    struct Invalid: Error, Hashable, CustomStringConvertible {
        let text: String
        var description: String { "\"\(self.text)\" is not a JSONPath this server understands" }
    }

    let steps: [Step]

    init(_ text: String) throws(Invalid) {
        var rest = Substring(text)
        if rest.first == "{", rest.last == "}" { rest = rest.dropFirst().dropLast() }
        if rest.first == "$" { rest = rest.dropFirst() }
        var steps: [Step] = []
        while let first = rest.first {
            if first == "." {
                rest = rest.dropFirst()
                if rest.first == "[" { continue }
                let name = Self.takeName(&rest)
                guard !name.isEmpty else { throw Invalid(text: text) }
                steps.append(name == "*" ? .every : .member(name))
            } else if first == "[" {
                guard let end = Self.closing(rest) else { throw Invalid(text: text) }
                let inside = rest[rest.index(after: rest.startIndex)..<end]
                rest = rest[rest.index(after: end)...]
                guard let step = Self.bracket(inside) else { throw Invalid(text: text) }
                steps.append(step)
            } else if steps.isEmpty {
                let name = Self.takeName(&rest)
                steps.append(.member(name))
            } else {
                throw Invalid(text: text)
            }
        }
        self.steps = steps
    }

    /// A name ends at a dot or bracket; a backslash keeps a dot in it.
    private static func takeName(_ rest: inout Substring) -> String {
        var name = ""
        while let character = rest.first, character != ".", character != "[" {
            rest = rest.dropFirst()
            if character == "\\", let next = rest.first {
                rest = rest.dropFirst()
                name.append(next)
            } else {
                name.append(character)
            }
        }
        return name
    }

    private static func closing(_ text: Substring) -> Substring.Index? {
        var depth = 0
        var quote: Character?
        for index in text.indices {
            let character = text[index]
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "'" || character == "\"" {
                quote = character
            } else if character == "[" {
                depth += 1
            } else if character == "]" {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }

    private static func bracket(_ inside: Substring) -> Step? {
        if inside == "*" { return .every }
        if let index = Int(inside) { return .index(index) }
        if let quote = inside.first, quote == "'" || quote == "\"", inside.last == quote, inside.count >= 2 {
            return .member(String(inside.dropFirst().dropLast()))
        }
        guard inside.hasPrefix("?("), inside.last == ")" else { return nil }
        let condition = inside.dropFirst(2).dropLast()
        for (mark, negated) in [("==", false), ("!=", true)] {
            guard let range = condition.firstRange(of: mark) else { continue }
            let left = condition[..<range.lowerBound].filter { $0 != " " }
            var right = condition[range.upperBound...]
            while right.first == " " { right = right.dropFirst() }
            while right.last == " " { right = right.dropLast() }
            guard left.hasPrefix("@.") else { return nil }
            let path = left.dropFirst(2).split(separator: ".").map(String.init)
            if let quote = right.first, quote == "'" || quote == "\"", right.last == quote, right.count >= 2 {
                return .filter(path: path, equals: JSON(String(right.dropFirst().dropLast())), negated: negated)
            }
            guard let value = try? JSON(parsing: String(right)) else { return nil }
            return .filter(path: path, equals: value, negated: negated)
        }
        return nil
    }

    /// Every value the path reaches.
    func values(in root: JSON) -> [JSON] {
        var found = [root]
        for step in self.steps {
            found = found.flatMap { value -> [JSON] in
                switch step {
                case .member(let name): value[name].map { [$0] } ?? []
                case .index(let index):
                    if let elements = value.array, let element = value[index < 0 ? elements.count + index : index] { [element] } else { [] }
                case .every: value.array ?? value.object.map { members in members.keys.sorted().compactMap { members[$0] } } ?? []
                case .filter(let path, let wanted, let negated):
                    (value.array ?? []).filter { ($0.at(path) == wanted) != negated }
                }
            }
        }
        return found
    }
}
