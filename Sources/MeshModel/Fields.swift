import JSONModel

/// Reads one object of a resource and collects every violation with its path, so that typed initialisers stay lists of
/// fields. An absent field is nil without a complaint; a field of the wrong type is a violation and nil.
struct Fields {
    private let members: [String: JSON]
    private let path: String
    private let found: Found

    private final class Found { var violations: [Violation] = [] }

    /// The root of a resource, `json` being its spec.
    init(_ json: JSON) {
        self.members = json.object ?? [:]
        self.path = ""
        self.found = Found()
        if json.object == nil, !json.isNull { self.violate("spec", "must be an object, is of type \(json.typeName)") }
    }

    private init(_ members: [String: JSON], _ path: String, _ found: Found) {
        self.members = members
        self.path = path
        self.found = found
    }

    var violations: [Violation] { self.found.violations }
    var keys: [String] { self.members.keys.sorted() }

    func has(_ key: String) -> Bool { !(self.members[key]?.isNull ?? true) }

    /// `key` empty: the object itself.
    func violate(_ key: String, _ message: String) {
        self.found.violations.append(Violation(field: key.isEmpty ? self.path : self.join(key), message: message))
    }

    func string(_ key: String) -> String? { self.read(key, "a string", \.string) }
    func bool(_ key: String) -> Bool? { self.read(key, "a boolean", \.bool) }
    func int(_ key: String) -> Int? { self.read(key, "an integer", \.int) }
    func object(_ key: String) -> Fields? {
        self.read(key, "an object", \.object).map { Fields($0, self.join(key), self.found) }
    }

    func objects(_ key: String) -> [Fields] {
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

    func strings(_ key: String) -> [String]? {
        self.read(key, "an array of strings") { value in
            guard let elements = value.array else { return nil }
            let strings = elements.compactMap(\.string)
            return strings.count == elements.count ? strings : nil
        }
    }

    func tags(_ key: String) -> [String: String]? {
        let tags: [String: String]? = self.read(key, "a map of strings") { value in
            guard let members = value.object else { return nil }
            let strings = members.compactMapValues(\.string)
            return strings.count == members.count ? strings : nil
        }
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

    func port(_ key: String) -> UInt16? {
        guard self.has(key) else { return nil }
        guard let number = self.int(key) else { return nil }
        guard (1...65535).contains(number) else {
            self.violate(key, "port must be in the range [1, 65535]")
            return nil
        }
        return UInt16(number)
    }

    func duration(_ key: String) -> Duration? {
        guard let text = self.string(key) else { return nil }
        guard let duration = KumaDuration.parse(text) else {
            self.violate(key, "must be a whole number and one of the units y, w, d, h, m, s, ms, such as 24h; is \"\(text)\"")
            return nil
        }
        return duration
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
