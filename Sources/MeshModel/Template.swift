/// `{{ name }}` in a document, filled before it is read, as `kumactl apply -v` and `kuma-dp run --dataplane-var` do it.
package enum Template {
    package struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// From `name=value` pairs.
    package static func values(_ pairs: [String]) throws(Problem) -> [String: String] {
        var values: [String: String] = [:]
        for pair in pairs {
            guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
                throw Problem(description: "the variable \"\(pair)\" is not of the form name=value")
            }
            values[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
        }
        return values
    }

    /// - Parameter place: what the text is called in errors.
    package static func filled(_ text: String, values: [String: String], place: String) throws(Problem) -> String {
        var filled = ""
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else {
                throw Problem(description: "\(place) has {{ without }}")
            }
            let name = rest[open.upperBound..<close.lowerBound].filter { !$0.isWhitespace }
            guard let value = values[name] else {
                throw Problem(description: "\(place) uses {{ \(name) }}, which has no value; give one as \(name)=value")
            }
            filled += rest[..<open.lowerBound] + value
            rest = rest[close.upperBound...]
        }
        return filled + rest
    }
}
