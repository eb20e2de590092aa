package import JSONModel

/// Reads one object of a resource and collects every violation with its path, so that typed initialisers stay lists of
/// fields. An absent field is nil without a complaint; a field of the wrong type is a violation and nil.
package struct Fields {
    private let members: [String: JSON]
    private let path: String
    private let found: Found

    private final class Found { var violations: [Violation] = [] }

    /// The root of a resource, `json` being its spec.
    /// - Parameter path: `spec` for kinds whose authors write their fields below it.
    package init(_ json: JSON, at path: String = "") {
        self.members = json.object ?? [:]
        self.path = path
        self.found = Found()
        if json.object == nil, !json.isNull {
            self.found.violations.append(Violation(field: "spec", message: "must be an object, is of type \(json.typeName)"))
        }
    }

    private init(_ members: [String: JSON], _ path: String, _ found: Found) {
        self.members = members
        self.path = path
        self.found = found
    }

    package var violations: [Violation] { self.found.violations }
    package var keys: [String] { self.members.keys.sorted() }

    package func has(_ key: String) -> Bool { !(self.members[key]?.isNull ?? true) }

    /// `key` empty: the object itself.
    package func violate(_ key: String, _ message: String) {
        self.found.violations.append(Violation(field: key.isEmpty ? self.path : self.join(key), message: message))
    }

    /// About the resource as a whole, such as its name.
    package func violateResource(_ field: String, _ message: String) {
        self.found.violations.append(Violation(field: field, message: message))
    }

    package func string(_ key: String) -> String? { self.read(key, "a string", \.string) }
    package func bool(_ key: String) -> Bool? { self.read(key, "a boolean", \.bool) }
    package func int(_ key: String) -> Int? { self.read(key, "an integer", \.int) }
    package func object(_ key: String) -> Fields? {
        self.read(key, "an object", \.object).map { Fields($0, self.join(key), self.found) }
    }

    /// The text of what may be written as a number or as a string.
    package func numberOrString(_ key: String) -> String? {
        self.read(key, "an integer or a string") { $0.int.map(String.init) ?? $0.string }
    }

    /// A number that may be written as a text, such as 70, "70" or "33.3": an IntOrString of Kubernetes.
    package func decimal(_ key: String) -> Double? {
        guard let text = self.numberOrString(key) else { return nil }
        // Double also reads "inf", "nan" and "0x1p3".
        guard text.utf8.allSatisfy({ "0123456789.+-".utf8.contains($0) }), let number = Double(text) else {
            self.violate(key, "string must be a valid number")
            return nil
        }
        return number
    }

    package func ints(_ key: String) -> [Int]? {
        self.read(key, "an array of integers") { value in
            guard let elements = value.array else { return nil }
            let ints = elements.compactMap(\.int)
            return ints.count == elements.count ? ints : nil
        }
    }

    package func objects(_ key: String) -> [Fields] {
        guard let elements = self.read(key, "an array", \.array) else { return [] }
        return elements.enumerated().compactMap { index, element in
            let path = "\(self.join(key))[\(index)]"
            guard let members = element.object else {
                self.found.violations.append(Violation(field: path, message: "must be an object, is of type \(element.typeName)"))
                return nil
            }
            return Fields(members, path, self.found)
        }
    }

    package func strings(_ key: String) -> [String]? {
        self.read(key, "an array of strings") { value in
            guard let elements = value.array else { return nil }
            let strings = elements.compactMap(\.string)
            return strings.count == elements.count ? strings : nil
        }
    }

    package func tags(_ key: String) -> [String: String]? {
        let tags = self.stringMap(key)
        for (name, value) in (tags ?? [:]).sorted(by: { $0.key < $1.key }) {
            if name.isEmpty || !name.utf8.allSatisfy(Characters.tagKey) {
                self.violate(
                    "\(key)[\"\(name)\"]", "tag name must consist of alphanumeric characters, dots, dashes, slashes and underscores")
            }
            if value.isEmpty {
                self.violate("\(key)[\"\(name)\"]", "tag value must be non-empty")
            } else if !value.utf8.allSatisfy(Characters.tagValue) {
                self.violate("\(key)[\"\(name)\"]", "tag value must consist of alphanumeric characters, dots, dashes and underscores")
            }
        }
        return tags
    }

    package func port(_ key: String) -> UInt16? {
        guard self.has(key) else { return nil }
        guard let number = self.int(key) else { return nil }
        guard (1...65535).contains(number) else {
            self.violate(key, "port must be in the range [1, 65535]")
            return nil
        }
        return UInt16(number)
    }

    package func duration(_ key: String) -> Duration? {
        guard let text = self.string(key) else { return nil }
        guard let duration = KumaDuration.parse(text) else {
            self.violate(key, "must be a whole number and one of the units y, w, d, h, m, s, ms, such as 24h; is \"\(text)\"")
            return nil
        }
        return duration
    }

    package func stringMap(_ key: String) -> [String: String]? {
        self.read(key, "a map of strings") { value in
            guard let members = value.object else { return nil }
            let strings = members.compactMapValues(\.string)
            return strings.count == members.count ? strings : nil
        }
    }

    package func demand(_ keys: String...) {
        for key in keys where !self.has(key) { self.violate(key, "must be defined") }
    }

    package func nonEmpty(_ key: String) -> String? {
        guard let text = self.string(key) else { return nil }
        if text.isEmpty { self.violate(key, "cannot be empty") }
        return text.isEmpty ? nil : text
    }

    package func choice(_ key: String, _ choices: [String]) -> String? {
        guard let text = self.string(key) else { return nil }
        if choices.contains(text) { return text }
        self.violate(key, "has to be one of \(choices.joined(separator: ", ")); is \"\(text)\"")
        return nil
    }

    package func refuseUnknown(_ known: Set<String>) {
        for key in self.keys where !known.contains(key) {
            let hint = Spelling.hint(for: key, known) ?? "known are \(known.sorted().joined(separator: ", "))"
            self.violate(key, "is not a known field; \(hint)")
        }
    }

    private func read<Value>(_ key: String, _ expected: String, _ convert: (JSON) -> Value?) -> Value? {
        guard let value = self.members[key], !value.isNull else { return nil }
        guard let converted = convert(value) else {
            self.violate(key, "must be \(expected), is of type \(value.typeName)")
            return nil
        }
        return converted
    }

    private func join(_ key: String) -> String { self.path.isEmpty ? key : key.hasPrefix("[") ? self.path + key : "\(self.path).\(key)" }
}
