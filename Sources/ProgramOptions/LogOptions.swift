import ArgumentParser
package import Logging
package import Telemetry

/// How a program logs: the same flags and variables for every program.
package struct LogOptions: ParsableArguments, EnvironmentOptions {
    @Option(help: "trace, debug, info, notice, warning, error or critical. (default: $EGRET_LOG_LEVEL, else info)")
    var logLevel: String?
    @Option(help: "text or json. (default: $EGRET_LOG_FORMAT, else text)")
    var logFormat: String?

    package init() {}

    package func validate() throws { _ = try (self.level(), self.format()) }

    package func level() throws -> Logger.Level {
        guard let text = self.value(self.logLevel, "EGRET_LOG_LEVEL", "KUMA_LOG_LEVEL") else { return .info }
        guard let level = Logger.Level(rawValue: text.lowercased()) else {
            let known = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("the log level \"\(text)\" is not one of \(known)")
        }
        return level
    }

    package func format() throws -> LogFormat {
        guard let text = self.value(self.logFormat, "EGRET_LOG_FORMAT") else { return .text }
        guard let format = LogFormat(rawValue: text.lowercased()) else {
            throw ValidationError("the log format \"\(text)\" is not one of text, json")
        }
        return format
    }

    /// Sets up logging for the whole program and returns its first logger. Once, first thing in a command's `run`.
    package func bootstrap(_ label: String) throws -> Logger {
        bootstrapLogging(level: try self.level(), format: try self.format())
        return Logger(label: label)
    }
}
