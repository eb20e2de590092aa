import JSONModel
import TestKit

@testable import DevAPIServer

/// Objects of a custom kind, made from its schema: sound ones, ones with a flaw or two, and heaps of flaws.
struct ObjectMaker {
    private let schema: JSON
    /// What the kind's own rules, choices and patterns are about.
    private let words: [String]
    private var generator: SeededGenerator
    /// How many of 1000 values are flawed on purpose.
    private var flaws = 0
    /// How many of 100 optional members are there, and are taken away where they could be changed.
    private var density = 50
    private var removals = 30

    init(_ definition: JSON, seed: UInt64) {
        self.schema = definition.at("spec", "versions")?[0]?.at("schema", "openAPIV3Schema") ?? [:]
        self.generator = SeededGenerator(seed: seed)
        var words: Set<String> = []
        Self.collect(self.schema, into: &words)
        self.words = words.sorted() + Self.commonWords
    }

    private static let commonWords = [
        "", "a", "b", "a", "b", "web", "*", "a.example.com", "a.example.com.", "a..b", "-a", "a-", "a_", "_a", "A1", ".", "é", "a\u{301}",
        "a b", "a\n", "a:1", "a:", ":1", "a:99999999999", "a.example.com:443", "[::1]:443", "[::1]", "[]:1", "::1", "::", "0:0::",
        "fe80::1%1",
        "::ffff:1.2.3.4", "127.0.0.1", "127.1", "0.0.0.0", "10.0.0.1", "1.2.3.4:80", "10s", "1h30m", "0s", "-1s", "1.5s", "10",
        "TLSAuto", "TLS11", "TLS12", "TLS13", "kuma.io/service", "kuma.io/protocol", "kuma.io/zone", "version", "tcp", "http", "YQ==",
        "YQ=",
    ]

    /// Texts in quotes in the rules; names of choices are taken from where they stand.
    private static func collect(_ schema: JSON, into words: inout Set<String>) {
        for rule in schema["x-kubernetes-validations"]?.array ?? [] {
            let parts = (rule["rule"]?.string ?? "").split(separator: "'", omittingEmptySubsequences: false)
            for index in stride(from: 1, to: parts.count, by: 2) where !parts[index].contains("^") { words.insert(String(parts[index])) }
        }
        for child in (schema["properties"]?.object ?? [:]).values { self.collect(child, into: &words) }
        if let child = schema["items"] { self.collect(child, into: &words) }
        if let child = schema["additionalProperties"] { self.collect(child, into: &words) }
    }

    /// An object's specification from nothing.
    mutating func spec() -> JSON {
        self.flaws = [0, 5, 30, 150].randomElement(using: &self.generator) ?? 0
        self.density = [20, 50, 80].randomElement(using: &self.generator) ?? 50
        return self.value(self.specSchema)
    }

    /// A specification with everything that there is.
    mutating func fullSpec() -> JSON {
        self.flaws = 0
        self.density = 100
        return self.value(self.specSchema)
    }

    /// The same specification but for one place or two.
    /// - Parameter isRepair: nothing is broken on purpose, and little taken away
    mutating func changed(_ spec: JSON, isRepair: Bool = false) -> JSON {
        self.flaws = isRepair ? 0 : 10
        self.density = 50
        self.removals = isRepair ? 5 : 30
        let once = self.change(spec, self.specSchema)
        return self.chance(1, of: 2) ? once : self.change(once, self.specSchema)
    }

    private var specSchema: JSON { self.schema.at("properties", "spec") ?? [:] }

    private mutating func change(_ value: JSON, _ schema: JSON) -> JSON {
        switch value {
        case _ where value.typeName != schema["type"]?.string: return self.value(schema)
        case .object(var members):
            guard let name = self.place(in: members, schema),
                let child = schema.at("properties", name) ?? schema["additionalProperties"]
            else { return value }
            let old = members[name]
            members[name] = old.map { self.chance(self.removals, of: 100) ? nil : self.change($0, child) } ?? self.value(child)
            return .object(members)
        case .array(var elements):
            guard let place = elements.indices.randomElement(using: &self.generator), !self.chance(1, of: 4) else {
                return .array(elements + [self.value(schema["items"] ?? [:])])
            }
            if self.chance(1, of: 4) {
                elements.remove(at: place)
            } else {
                elements[place] = self.change(elements[place], schema["items"] ?? [:])
            }
            return .array(elements)
        default: return self.value(schema)
        }
    }

    /// Mostly where rules are.
    private mutating func place(in members: [String: JSON], _ schema: JSON) -> String? {
        if schema["additionalProperties"] != nil {
            return self.chance(1, of: 2) ? self.key() : members.keys.sorted().randomElement(using: &self.generator)
        }
        let declared = schema["properties"]?.object ?? [:]
        let rules = (schema["x-kubernetes-validations"]?.array ?? []).compactMap { $0["rule"]?.string }
        let ruled = declared.filter { name, child in rules.contains { $0.contains(".\(name)") } || Self.hasRules(child) }
        return (ruled.isEmpty || self.chance(1, of: 4) ? declared : ruled).keys.sorted().randomElement(using: &self.generator)
    }

    private static func hasRules(_ schema: JSON) -> Bool {
        schema["x-kubernetes-validations"] != nil || (schema["properties"]?.object ?? [:]).values.contains(where: self.hasRules)
            || schema["items"].map(self.hasRules) ?? false || schema["additionalProperties"].map(self.hasRules) ?? false
    }

    private mutating func isFlawed() -> Bool { self.chance(self.flaws, of: 1000) }
    private mutating func chance(_ part: Int, of whole: Int) -> Bool { Int.random(in: 0..<whole, using: &self.generator) < part }

    private mutating func value(_ schema: JSON) -> JSON {
        if self.isFlawed() {
            let others: [JSON] = [.null, true, 0, 1.5, "a", [], [:], ["a": "b"], ["a", "a"]]
            return others.randomElement(using: &self.generator) ?? .null
        }
        if schema["x-kubernetes-int-or-string"] == true { return self.chance(1, of: 2) ? self.number(schema) : .string(self.word()) }
        if let choices = schema["enum"]?.array, !self.isFlawed() { return choices.randomElement(using: &self.generator) ?? .null }
        switch schema["type"]?.string {
        case "object": return self.members(schema)
        case "array": return self.elements(schema)
        case "string": return .string(self.text(schema))
        case "integer", "number": return self.number(schema)
        case "boolean": return .bool(self.chance(1, of: 2))
        default: return [:]
        }
    }

    private mutating func members(_ schema: JSON) -> JSON {
        var members: [String: JSON] = [:]
        let required = schema["required"]?.array ?? []
        for (name, child) in (schema["properties"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            let isThere = required.contains(.string(name)) ? !self.isFlawed() : self.chance(self.density, of: 100)
            if isThere { members[name] = self.value(child) }
        }
        if let common = schema["additionalProperties"] {
            for _ in 0..<([0, 1, 1, 1, 2, 3].randomElement(using: &self.generator) ?? 0) { members[self.key()] = self.value(common) }
        }
        if self.isFlawed() { members["unknown"] = 1 }
        return .object(members)
    }

    private mutating func elements(_ schema: JSON) -> JSON {
        let count = Int.random(in: (schema["minItems"]?.int ?? 0)...max(schema["minItems"]?.int ?? 0, 2), using: &self.generator)
        var elements = (0..<count).map { _ in self.value(schema["items"] ?? [:]) }
        if let first = elements.first, self.isFlawed() { elements.append(first) }
        if let most = schema["maxItems"]?.int, most < 20, let first = elements.first, self.isFlawed() {
            elements += Array(repeating: first, count: most)
        }
        return .array(elements)
    }

    private mutating func key() -> String {
        self.chance(1, of: 2) ? "kuma.io/service" : self.word()
    }

    private mutating func word() -> String { self.words.randomElement(using: &self.generator) ?? "" }

    private mutating func text(_ schema: JSON) -> String {
        if self.isFlawed(), let most = schema["maxLength"]?.int, most < 5000 { return String(repeating: "x", count: most + 1) }
        return self.chance(1, of: 3) ? ["a", "b", ""].randomElement(using: &self.generator) ?? "" : self.word()
    }

    private mutating func number(_ schema: JSON) -> JSON {
        let least = schema["minimum"]?.int ?? 0
        let most = schema["maximum"]?.int ?? 100_000
        if self.isFlawed() { return [JSON(least - 1), JSON(most + 1), 0.5, 1e20].randomElement(using: &self.generator) ?? 0 }
        return JSON([least, least, least + 1, least + 1, most].randomElement(using: &self.generator) ?? least)
    }
}
