import FoundationEssentials
package import Logging

/// How log lines look.
package enum LogFormat: String, CaseIterable, Sendable {
    /// For people: `2026-11-23T08:00:00Z INFO  Sentence key=value other="two words"`.
    case text
    /// For machines: one object per line, metadata as members.
    case json
}

/// One log line as a value: never more than one line, whatever is in it.
package struct LogLine {
    private var time: Date
    private var level: Logger.Level
    private var message: String
    private var metadata: Logger.Metadata

    init(time: Date, level: Logger.Level, message: String, metadata: Logger.Metadata) {
        self.time = time
        self.level = level
        self.message = message
        self.metadata = metadata
    }

    package init(secondsSince1970 seconds: Double, level: Logger.Level, message: String, metadata: Logger.Metadata) {
        self.init(time: Date(timeIntervalSince1970: seconds), level: level, message: message, metadata: metadata)
    }

    package func text(_ format: LogFormat) -> String {
        switch format {
        case .text: self.plain
        case .json: self.json
        }
    }

    private var timestamp: String { self.time.formatted(.iso8601) }

    private var sortedMetadata: [(key: String, value: Logger.MetadataValue)] {
        self.metadata.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }
    }

    private var plain: String {
        var line = "\(self.timestamp) \(Self.name(self.level)) \(Self.oneLine(self.message))"
        for (key, value) in self.sortedMetadata { line += " \(key)=\(Self.quoted(value.description))" }
        return line + "\n"
    }

    private var json: String {
        var line = "{\"time\":\(Self.jsonString(self.timestamp)),\"level\":\"\(self.level)\",\"message\":\(Self.jsonString(self.message))"
        for (key, value) in self.sortedMetadata {
            // The line's own members keep their meaning.
            let key = ["time", "level", "message"].contains(key) ? "metadata.\(key)" : key
            line += ",\(Self.jsonString(key)):\(Self.jsonValue(value))"
        }
        return line + "}\n"
    }

    /// Five characters, so that the sentences line up.
    private static func name(_ level: Logger.Level) -> String {
        switch level {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info: "INFO "
        case .notice: "NOTE "
        case .warning: "WARN "
        case .error: "ERROR"
        case .critical: "FATAL"
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        // C0, DEL, C1 and the line separators: what could end the line or talk to a terminal.
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }

    private static func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": line.append(contentsOf: "\\n".unicodeScalars)
            case "\r": line.append(contentsOf: "\\r".unicodeScalars)
            case "\t": line.append(contentsOf: "\\t".unicodeScalars)
            case _ where isControl(scalar): line.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            default: line.append(scalar)
            }
        }
        return String(line)
    }

    private static func quoted(_ value: String) -> String {
        let bare = !value.isEmpty && !value.unicodeScalars.contains { isControl($0) || $0 == " " || $0 == "\"" }
        if bare { return value }
        var escaped = ""
        for character in value.unicodeScalars {
            if character == "\"" || character == "\\" { escaped += "\\" }
            escaped.unicodeScalars.append(character)
        }
        return "\"\(self.oneLine(escaped))\""
    }

    private static func jsonValue(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): self.jsonString(text)
        case .stringConvertible(let other): self.jsonString(other.description)
        case .array(let values): "[" + values.map(self.jsonValue).joined(separator: ",") + "]"
        case .dictionary(let members):
            "{" + members.sorted { $0.key < $1.key }.map { "\(self.jsonString($0.key)):\(self.jsonValue($0.value))" }.joined(separator: ",")
                + "}"
        }
    }

    private static func jsonString(_ text: String) -> String {
        var escaped = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\r"
            case "\t": escaped += "\\t"
            case _ where isControl(scalar):
                let hex = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped + "\""
    }
}
