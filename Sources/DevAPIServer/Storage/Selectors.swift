import JSONModel

/// A label selector in query form: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
struct LabelSelector: Hashable, Sendable {
    enum Requirement: Hashable, Sendable {
        case isIn(String, Set<String>)
        case isNotIn(String, Set<String>)
        case exists(String)
        case isMissing(String)
    }

    struct Invalid: Error, Hashable { let text: String }

    let requirements: [Requirement]

    init(_ text: String) throws(Invalid) {
        var requirements: [Requirement] = []
        for part in Self.split(text) {
            guard let requirement = Self.requirement(part) else { throw Invalid(text: text) }
            requirements.append(requirement)
        }
        self.requirements = requirements
    }

    /// Commas separate, except inside parentheses.
    private static func split(_ text: String) -> [String] {
        var parts: [String] = []
        var current = ""
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 {
                parts.append(current)
                current = ""
            } else {
                current.append(character)
            }
        }
        parts.append(current)
        return parts.map { $0.trimmed }.filter { !$0.isEmpty }
    }

    private static func requirement(_ text: String) -> Requirement? {
        if text.hasSuffix(")"), let open = text.firstIndex(of: "(") {
            let values = Set(text[text.index(after: open)...].dropLast().split(separator: ",").map { $0.trimmed })
            let words = text[..<open].split(separator: " ").map(String.init)
            guard words.count == 2 else { return nil }
            switch words[1] {
            case "in": return .isIn(words[0], values)
            case "notin": return .isNotIn(words[0], values)
            default: return nil
            }
        }
        if let range = text.firstRange(of: "!=") {
            return .isNotIn(text[..<range.lowerBound].trimmed, [text[range.upperBound...].trimmed])
        }
        if let range = text.firstRange(of: "=") {
            var value = text[range.upperBound...]
            if value.first == "=" { value = value.dropFirst() }
            return .isIn(text[..<range.lowerBound].trimmed, [value.trimmed])
        }
        if text.first == "!" { return .isMissing(text.dropFirst().trimmed) }
        return text.contains(" ") ? nil : .exists(text)
    }

    func matches(_ object: JSON) -> Bool {
        guard !self.requirements.isEmpty else { return true }
        let labels = object.at("metadata", "labels")
        return self.requirements.allSatisfy { requirement in
            switch requirement {
            case .isIn(let key, let values): labels?[key]?.string.map(values.contains) ?? false
            case .isNotIn(let key, let values): !(labels?[key]?.string.map(values.contains) ?? false)
            case .exists(let key): labels?[key] != nil
            case .isMissing(let key): labels?[key] == nil
            }
        }
    }
}

/// A field selector: `metadata.name=x,status.phase!=Running`.
struct FieldSelector: Hashable, Sendable {
    struct Term: Hashable, Sendable {
        let path: String
        let value: String
        let isEqual: Bool
    }

    struct Invalid: Error, Hashable { let text: String }

    let terms: [Term]

    init(_ text: String) throws(Invalid) {
        var terms: [Term] = []
        for part in text.split(separator: ",") {
            let isEqual = part.firstRange(of: "!=") == nil
            guard let range = part.firstRange(of: isEqual ? "=" : "!=") else { throw Invalid(text: text) }
            var value = part[range.upperBound...]
            if isEqual, value.first == "=" { value = value.dropFirst() }
            terms.append(Term(path: part[..<range.lowerBound].trimmed, value: value.trimmed, isEqual: isEqual))
        }
        self.terms = terms
    }

    func matches(_ object: JSON) -> Bool {
        self.terms.allSatisfy { term in
            let found = object.at(term.path.split(separator: ".").map(String.init))
            let text = found?.string ?? found?.bool.map(String.init) ?? found?.int.map(String.init) ?? ""
            return (text == term.value) == term.isEqual
        }
    }

    /// The name a `metadata.name=` term asks for.
    var name: String? { self.terms.first { $0.path == "metadata.name" && $0.isEqual }?.value }
}

extension StringProtocol {
    var trimmed: String {
        var text = Substring(self)
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return String(text)
    }
}
