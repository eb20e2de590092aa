import FoundationEssentials

/// The `format`s of OpenAPI strings that a Kubernetes API server checks. Unknown ones accept everything.
enum TextFormat {
    static func accepts(_ text: String, format: String) -> Bool {
        switch format {
        case "date-time": Self.isDateTime(text)
        case "date": text.wholeMatch(of: /\d{4}-\d{2}-\d{2}/) != nil
        case "byte": Data(base64Encoded: text) != nil
        case "uuid": UUID(uuidString: text) != nil
        case "ipv4": text.wholeMatch(of: /(\d{1,3}\.){3}\d{1,3}/) != nil && text.split(separator: ".").allSatisfy { UInt8($0) != nil }
        case "ipv6": text.contains(":") && text.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
        case "hostname": text.count <= 253 && text.wholeMatch(of: /[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?\.?/) != nil
        case "email": text.wholeMatch(of: /[^@\s]+@[^@\s]+/) != nil
        case "uri": text.wholeMatch(of: /[A-Za-z][A-Za-z0-9+.\-]*:.+/) != nil || text.first == "/"
        case "duration": text.wholeMatch(of: /[-+]?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+|0/) != nil
        case "cidr": text.wholeMatch(of: /[0-9A-Fa-f.:]+\/\d{1,3}/) != nil
        case "mac": text.wholeMatch(of: /([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}/) != nil
        default: true
        }
    }

    private static func isDateTime(_ text: String) -> Bool {
        text.wholeMatch(of: /\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})/) != nil
    }
}

/// Schema patterns: searched, not anchored, as JSON Schema says.
enum Pattern {
    /// A pattern that does not compile was refused with its CRD; here it accepts.
    static func matches(_ text: String, _ pattern: String) -> Bool {
        guard let regex = try? Regex(pattern) else { return true }
        return text.firstMatch(of: regex) != nil
    }

    static func compiles(_ pattern: String) -> Bool { (try? Regex(pattern)) != nil }
}
