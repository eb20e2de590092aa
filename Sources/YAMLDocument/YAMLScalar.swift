internal import JSONModel

/// What a plain scalar means. The table is that of goyaml.v2, which `sigs.k8s.io/yaml` (kubectl, Helm, the API server)
/// reads with: YAML 1.1 booleans, integers of base 2, 8, 10 and 16 with underscores, no base 60, dates stay text.
enum YAMLScalar {
    enum Meaning: Equatable {
        case value(JSON)
        /// `.inf`, `.nan`: numbers that JSON has no way to say.
        case notANumber
    }

    static func meaning(ofPlain text: String) -> Meaning {
        switch text {
        case "", "~", "null", "Null", "NULL": return .value(.null)
        case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": return .value(true)
        case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": return .value(false)
        case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF": return .notANumber
        default: break
        }
        guard let first = text.utf8.first, first == UInt8(ascii: ".") || isSign(first) || isDigit(first) else {
            return .value(.string(text))
        }
        let plain = first == UInt8(ascii: ".") ? text : text.filter { $0 != "_" }
        return .value(Self.integer(plain) ?? Self.float(plain) ?? .string(text))
    }

    /// `strconv.ParseInt(text, 0, 64)`: an optional sign, then `0x`, `0o`, `0b`, a leading zero for octal, or decimal.
    private static func integer(_ text: String) -> JSON? {
        var digits = Substring(text)
        let isNegative = digits.first == "-"
        if isNegative || digits.first == "+" { digits.removeFirst() }
        var radix = 10
        if digits.count > 1, digits.first == "0" {
            switch digits.dropFirst().first {
            case "x", "X": radix = 16
            case "o", "O": radix = 8
            case "b", "B": radix = 2
            default: radix = 8
            }
            digits = digits.dropFirst(digits.dropFirst().first.map { $0.isNumber } == true ? 1 : 2)
        }
        // Int64(_:radix:) would take a second sign.
        guard let first = digits.utf8.first, !self.isSign(first) else { return nil }
        if let value = Int64((isNegative ? "-" : "") + digits, radix: radix) { return .int(value) }
        // Beyond 64 bits signed, a number all the same.
        return isNegative ? nil : UInt64(digits, radix: radix).map { .double(Double($0)) }
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`. A float without a fraction is an integer, as it is after
    /// the trip through JSON that Kubernetes makes.
    private static func float(_ text: String) -> JSON? {
        var rest = Substring(text).utf8
        if let sign = rest.first, self.isSign(sign) { rest.removeFirst() }
        let whole = Self.skipDigits(&rest)
        var fraction = 0
        let hasPoint = rest.first == UInt8(ascii: ".")
        if hasPoint {
            rest.removeFirst()
            fraction = Self.skipDigits(&rest)
        }
        guard whole + fraction > 0 else { return nil }
        if let exponent = rest.first, exponent == UInt8(ascii: "e") || exponent == UInt8(ascii: "E") {
            rest.removeFirst()
            if let sign = rest.first, self.isSign(sign) { rest.removeFirst() }
            guard Self.skipDigits(&rest) > 0 else { return nil }
        }
        guard rest.isEmpty, let value = Double(Self.swiftForm(text)), value.isFinite else { return nil }
        return Int64(exactly: value).map { .int($0) } ?? .double(value)
    }

    /// Swift wants digits on both sides of the point: `.5` and `5.e3` are `0.5` and `5.0e3`.
    private static func swiftForm(_ text: String) -> String {
        guard let point = text.firstIndex(of: ".") else { return text }
        let before = text[..<point]
        let after = text[text.index(after: point)...]
        let hasBefore = before.last?.isNumber == true
        let hasAfter = after.first?.isNumber == true
        return before + (hasBefore ? "." : "0.") + (hasAfter ? "" : "0") + after
    }

    private static func skipDigits(_ rest: inout Substring.UTF8View) -> Int {
        var count = 0
        while let byte = rest.first, self.isDigit(byte) {
            rest.removeFirst()
            count += 1
        }
        return count
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isSign(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") }
}
